package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootbuild/rootbuild/builder/report"
)

var update = flag.Bool("update", false, "write the expected texts anew")

// What a page says, word for word: of a build with all that there can be, of one by an
// older rootbuild, and of an image of which nothing else is known.
func TestText(t *testing.T) {
	unnoted := page()
	unnoted.Build, unnoted.Previous, unnoted.Boot = nil, nil, nil
	idle := page()
	idle.Build = &report.Build{Started: began.Add(1e15), Completed: began.Add(1e15 + 4e8), Run: began.Add(1e15)}
	idle.Boot.Passed, idle.Boot.Checks[1].Failed, idle.Boot.Checks[1].Verdict = false, true, "FAILED"
	bare := report.Page{Target: "bare", Image: digest("a"), Rootbuild: "v1.4.0", Epoch: began, Toolchain: report.Toolchain{Name: "toolchain-none", Version: "1"}, Stages: []report.Stage{{Name: "app", Version: "1", Kind: "package"}}}
	for name, p := range map[string]report.Page{"full": page(), "unnoted": unnoted, "idle": idle, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			file, got := filepath.Join("testdata", name+".txt"), text(t, p)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// All that a page links is in it, and it loads nothing.
func TestSelfContained(t *testing.T) {
	ids, links := map[string]int{}, map[string]bool{}
	elements := map[string]int{}
	for _, e := range parse(t, html(t, page())) {
		elements[e.Name.Local]++
		for _, a := range e.Attr {
			switch name := a.Name.Local; {
			case name == "id":
				ids[a.Value]++
			case name == "href":
				if !strings.HasPrefix(a.Value, "#") {
					t.Errorf("<%s> leads to %q", e.Name.Local, a.Value)
				}
				links[strings.TrimPrefix(a.Value, "#")] = true
			case name == "aria-labelledby":
				links[a.Value] = true
			case name == "src" || name == "srcset" || name == "style" || name == "data" || strings.HasPrefix(name, "on"):
				t.Errorf("<%s> has %s=%q", e.Name.Local, name, a.Value)
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements are called %s", n, id)
		}
	}
	for link := range links {
		if ids[link] == 0 {
			t.Errorf("nothing is called %s, which is linked", link)
		}
	}
	for name, want := range map[string]int{"script": 1, "style": 1, "link": 0, "img": 0, "image": 0, "iframe": 0, "object": 0, "embed": 0, "base": 0, "use": 0} {
		if elements[name] != want {
			t.Errorf("%d elements %s, want %d", elements[name], name, want)
		}
	}
	for _, stage := range page().Stages {
		if ids["stage-"+stage.Name] != 1 {
			t.Errorf("no row of %s", stage.Name)
		}
	}
	if css := regexp.MustCompile(`(?s)<style>.*</style>`).FindString(html(t, page())); regexp.MustCompile(`url\(|@import|//`).MatchString(css) {
		t.Error("the style loads something")
	}
}

// Whatever an image calls its files, they are text, and show what they are.
func TestHostileNames(t *testing.T) {
	p := page()
	p.Description, p.Rootbuild, p.Base = hostile, hostile, hostile
	p.Boot.Checks[0].Detail, p.Boot.Accel, p.Boot.Phases[0].Name = hostile, hostile, hostile
	for i := range p.Layers {
		p.Layers[i].Package, p.Layers[i].Version = p.Layers[i].Package+hostile, hostile
	}
	for i := range p.Stages {
		p.Stages[i].Version = hostile
		if p.Stages[i].Build != nil {
			p.Stages[i].Build.Builder = hostile
		}
	}
	page := html(t, p)
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, raw := range []string{"alert(1)</script>", "\u202e", "\"onload=x"} {
		if strings.Contains(page, raw) {
			t.Errorf("%q is in the page as it is", raw)
		}
	}
	if !strings.Contains(page, `/srv/&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u202egnp.exe\n&#34;onload=x`) {
		t.Error("the name is not shown")
	}
	parse(t, page)
}

func html(t testing.TB, p report.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// parse returns the elements of a page, each of which has to be closed.
func parse(t testing.TB, page string) (list []xml.StartElement) {
	t.Helper()
	walk(t, page, func(token xml.Token) {
		if e, ok := token.(xml.StartElement); ok {
			list = append(list, e.Copy())
		}
	})
	return list
}

func walk(t testing.TB, page string, see func(xml.Token)) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
	for open := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if open != 0 {
				t.Errorf("%d elements are not closed", open)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token.(type) {
		case xml.StartElement:
			open++
		case xml.EndElement:
			open--
		}
		see(token)
	}
}

// text is what a page says, a line for each of its parts.
func text(t testing.TB, p report.Page) string {
	t.Helper()
	var out strings.Builder
	line, silent := "", 0
	flush := func() {
		if s := strings.Join(strings.Fields(line), " "); s != "" {
			out.WriteString(s + "\n")
		}
		line = ""
	}
	walk(t, html(t, p), func(token xml.Token) {
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "style", "script", "title", "svg":
				silent++
			case "p", "h1", "h2", "h3", "div", "li", "tr", "summary":
				flush()
			}
			line += " "
		case xml.EndElement:
			if n := e.Name.Local; n == "style" || n == "script" || n == "title" || n == "svg" {
				silent--
			}
		case xml.CharData:
			if silent == 0 {
				line += string(e)
			}
		}
	})
	flush()
	return out.String()
}
