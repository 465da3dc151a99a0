package engine

import (
	"bytes"
	"io"
	"unicode"

	"github.com/moby/buildkit/client"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

// harmless replaces what would tell a terminal to do more than show text: what comes
// from images, registries, nodes and build steps may hold any character.
var harmless = runes.Map(func(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return unicode.ReplacementChar
	}
	return r
})

// Plain returns a writer of text from anywhere to what may be a terminal. Characters
// that would control it come out as U+FFFD.
func Plain(w io.Writer) io.Writer { return plain{w} }

type plain struct{ w io.Writer }

// Write implements io.Writer. Each call has whole characters.
func (p plain) Write(text []byte) (int, error) {
	clean, _, err := transform.Bytes(harmless, text)
	if err == nil {
		_, err = p.w.Write(clean)
	}
	if err != nil {
		return 0, err
	}
	return len(text), nil
}

// plainUpdate makes what steps wrote and are called harmless. A carriage return,
// by which programs draw over a line, ends it.
func plainUpdate(s *client.SolveStatus) {
	for _, l := range s.Logs {
		data := bytes.ReplaceAll(bytes.ReplaceAll(l.Data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		l.Data = plainBytes(data)
	}
	for _, v := range s.Vertexes {
		v.Name, v.Error = string(plainBytes([]byte(v.Name))), string(plainBytes([]byte(v.Error)))
	}
	for _, v := range s.Statuses {
		v.ID, v.Name = string(plainBytes([]byte(v.ID))), string(plainBytes([]byte(v.Name)))
	}
}

func plainBytes(text []byte) []byte {
	clean, _, err := transform.Bytes(harmless, text)
	if err != nil {
		return nil // it has no error of its own
	}
	return clean
}
