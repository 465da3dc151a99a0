package boot

import "io"

// What the tests look at from outside.
var (
	Bring         = bring
	PingNFS       = pingNFS
	RootReadOnly  = rootReadOnly
	ParseTraces   = parseTraces
	ContainerSpec = containerSpec
	ReadScripts   = readScripts
)

// NewConsole makes the reader of a console.
func NewConsole(log io.Writer, deadly func(string)) *Console {
	return &Console{newConsole(log, deadly)}
}

// Console is the reader of a console.
type Console struct{ *console }

// BadLines are the lines that no good boot prints.
func (c *Console) BadLines() []string { return c.badLines() }
