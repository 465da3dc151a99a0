package engine_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/rootbuild/rootbuild/builder/engine"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\n":              "plain\ttext\n",
		"Größe 12 µm, 你好":            "Größe 12 µm, 你好",
		"\x1b[2J\x1b]0;title\x07":    "\uFFFD[2J\uFFFD]0;title\uFFFD",
		"one\rtwo\x7f\u009b31m":      "one\uFFFDtwo\uFFFD\uFFFD31m",
		"right \u202eto left\u2069.": "right \uFFFDto left\uFFFD.",
		"no text: \xff\xfe":          "no text: \uFFFD\uFFFD",
	} {
		var out bytes.Buffer
		if n, err := engine.Plain(&out).Write([]byte(text)); n != len(text) || err != nil || out.String() != want {
			t.Errorf("%q: %q, %d, %v; want %q", text, out.String(), n, err, want)
		}
	}
}

// What a step wrote reaches no terminal as it came, in any of the displays.
func TestDisplayHarmless(t *testing.T) {
	for _, mode := range []string{"plain", "quiet"} {
		var out bytes.Buffer
		display, err := engine.NewDisplay(&out, mode)
		if err != nil {
			t.Fatal(err)
		}
		step, now := digest.FromString("step"), time.Now()
		v := client.Vertex{Digest: step, Name: "\x1b[31mname", Started: &now, Completed: &now, Error: "\x1b[32mbroken"}
		display.Send(&client.SolveStatus{
			Vertexes: []*client.Vertex{&v},
			Logs:     []*client.VertexLog{{Vertex: step, Timestamp: now, Data: []byte("50%\r100%\r\n\x1b[2Jtext\n")}},
		})
		if err := display.Close(); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(out.String(), "\x1b\r") || !strings.Contains(out.String(), "\uFFFD[2Jtext\n") {
			t.Errorf("%s: %q", mode, out.String())
		}
	}
}
