package boot

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// console reads what the machine prints: it keeps all of it in a log, wakes
// who waits for a line, and notes what ought not to be there.
type console struct {
	log   io.Writer
	now   func() time.Time
	start time.Time
	panic func(line string) // called once for each line that ends the machine

	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every line
	partial []byte
	lines   []consoleLine
	faults  []string
	// initramfs is the last line that the initramfs printed.
	initramfs string
	kernel    time.Duration // from the machine's start to the kernel's time 0; -1: not known
}

type consoleLine struct {
	at   time.Duration // since the machine's start
	text string
}

// givenUp is what the initramfs says before it reboots, and just before that
// why.
const givenUp = `^rootbuild: rebooting in `

var (
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r`)
	stamp   = regexp.MustCompile(`^\[ *([0-9]+\.[0-9]{6})\] `)
	// bad are lines that no good boot prints.
	bad = regexp.MustCompile(`Read-only file system|FAILED|Kernel panic|\bOops\b|\bBUG:|nfs: server .* not responding`)
	// deadly are those after which nothing is to be waited for.
	deadly = regexp.MustCompile(`Kernel panic|nfs: server .* not responding|` + givenUp)
)

func newConsole(log io.Writer, deadly func(string)) *console {
	return &console{log: log, now: time.Now, start: time.Now(), panic: deadly, changed: make(chan struct{}), kernel: -1}
}

// Write takes a piece of output as it comes.
func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.log.Write(p); err != nil {
		return 0, err
	}
	c.partial = append(c.partial, p...)
	for {
		end := strings.IndexByte(string(c.partial), '\n')
		if end < 0 {
			return len(p), nil
		}
		c.add(escapes.ReplaceAllString(string(c.partial[:end]), ""))
		c.partial = c.partial[end+1:]
	}
}

func (c *console) add(text string) {
	at := c.now().Sub(c.start)
	c.lines = append(c.lines, consoleLine{at, text})
	if m := stamp.FindStringSubmatch(text); m != nil {
		// A line comes late when the kernel printed it before it had a console,
		// never early: the least difference is the nearest to the truth.
		seconds, _ := strconv.ParseFloat(m[1], 64)
		if d := at - time.Duration(seconds*float64(time.Second)); c.kernel < 0 || d < c.kernel {
			c.kernel = d
		}
	}
	if bad.MatchString(text) {
		c.faults = append(c.faults, strings.TrimSpace(text))
	}
	if deadly.MatchString(text) {
		c.panic(c.reason(text))
	}
	if strings.HasPrefix(text, "rootbuild: ") {
		c.initramfs = text
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// reason is what a deadly line means.
func (c *console) reason(text string) string {
	if strings.HasPrefix(text, "rootbuild: ") {
		text = c.initramfs
	}
	return strings.TrimSpace(text)
}

// last is the last line that says something.
func (c *console) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.lines) - 1; i >= 0; i-- {
		if text := strings.TrimSpace(c.lines[i].text); text != "" {
			return text
		}
	}
	return "nothing"
}

// find returns the first line that matches, and a channel that is closed when
// there are more lines.
func (c *console) find(pattern *regexp.Regexp) (consoleLine, bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		if pattern.MatchString(l.text) {
			return l, true, c.changed
		}
	}
	return consoleLine{}, false, c.changed
}

// badLines are the lines that no good boot prints, in their order.
func (c *console) badLines() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.faults...)
}

// firmware is how long it took until the kernel ran.
func (c *console) firmware() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.kernel)
}
