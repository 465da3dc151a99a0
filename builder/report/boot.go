package report

import "fmt"

func (p Page) bootTile() tile {
	b := p.Boot
	if b == nil {
		return tile{"boot check", "not known", "no boot of it was noted here"}
	}
	t := tile{"boot check", "failed", day(b.At)}
	if b.Passed {
		t.Value = "passed"
	}
	return t
}

// bootLine says of a boot what its checks and phases do not.
func (p Page) bootLine() string {
	b := p.Boot
	if b == nil {
		return "This image was not booted here, as far as was noted: rootbuild boot does, and rootbuild --target with --check."
	}
	text := fmt.Sprintf("Booted %s in a virtual machine (%s). ", day(b.At), b.Accel)
	failed := 0
	for _, c := range b.Checks {
		if c.Failed {
			failed++
		}
	}
	if b.Passed {
		return text + fmt.Sprintf("All of its %s passed.", count(len(b.Checks), "check", "checks"))
	}
	return text + fmt.Sprintf("Of its %s %d failed.", count(len(b.Checks), "check", "checks"), failed)
}

// phases draws those of a boot.
func (p Page) phases() *chart {
	if p.Boot == nil || len(p.Boot.Phases) == 0 {
		return nil
	}
	from, to := p.Boot.Phases[0].Start, p.Boot.Phases[0].End
	for _, f := range p.Boot.Phases {
		from, to = min(from, f.Start), max(to, f.End)
	}
	c := &chart{Ticks: ticks(to - from)}
	for _, f := range p.Boot.Phases {
		c.Bars = append(c.Bars, bar{Name: f.Name, Value: span(f.End - f.Start), Parts: []rect{
			{X: percent(f.Start-from, to-from), Width: percent(f.End-f.Start, to-from), Class: "phase", Title: fmt.Sprintf("%s: %s", f.Name, span(f.End-f.Start))},
		}})
	}
	return c
}

// Took is how long a check ran, as text.
func (c Check) Took() string { return fmt.Sprintf("%.1f s", c.Seconds) }

// Shown is what a check says, to be read.
func (c Check) Shown() string { return plain(c.Detail) }
