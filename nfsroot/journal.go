package nfsroot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// journalFile is the journal under .rootbuild.
const journalFile = "switches.jsonl"

// switchLine is one line of the journal.
type switchLine struct {
	When     time.Time `json:"when"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to"`
	Rollback bool      `json:"rollback,omitempty"`
	Group    string    `json:"group,omitempty"` // whose entry it is; empty for current
	By       string    `json:"by"`
	Host     string    `json:"host,omitempty"`
	Command  string    `json:"command"`
}

// readSwitches returns the whole lines of the journal. Half a line at its end
// is a switch that a kill ended before it began.
func readSwitches(path string) ([]switchLine, error) {
	data, err := safeopen.Read(path, maxRecord)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var lines []switchLine
	for text := range bytes.Lines(data[:bytes.LastIndexByte(data, '\n')+1]) {
		var line switchLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: mend or remove the line", path, len(lines)+1, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// appendSwitch adds a durable line to the journal. The function it returns
// takes the line back, for a switch that did not come about.
func appendSwitch(path string, line switchLine) (undo func() error, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing journal %s: %w", path, err)
		}
	}()
	data, err := json.Marshal(line)
	if err != nil {
		return nil, err
	}
	end, err := endOfLines(path)
	if err != nil {
		return nil, err
	}
	undo = func() error {
		if err := os.Truncate(path, end); !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	err = writeAt(path, append(data, '\n'), end)
	if err == nil && end == 0 {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, undo())
	}
	return undo, nil
}

// endOfLines returns where the last whole line ends: a kill or a full disk may
// have left half of one behind it.
func endOfLines(path string) (end int64, err error) {
	f, err := safeopen.Own(path, os.O_RDONLY, 0)
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for from := info.Size(); from > 0; {
		part := buf[:min(from, int64(len(buf)))]
		from -= int64(len(part))
		if _, err := f.ReadAt(part, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
	}
	return 0, nil
}

// writeAt makes data the end of the file, and the file durable.
func writeAt(path string, data []byte, end int64) (err error) {
	f, err := safeopen.Own(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(end); err != nil {
		return err
	}
	if _, err := f.WriteAt(data, end); err != nil {
		return err
	}
	return f.Sync()
}
