package nfsroot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// serialsFile keeps the highest serial that was accepted of each line of images.
const serialsFile = "serials.json"

// accepted is what is kept of a line.
type accepted struct {
	Serial uint64    `json:"serial"`
	When   time.Time `json:"when"`
}

// OlderError says that an image is older than one that was accepted before: its
// signatures hold, but somebody may be playing it again.
type OlderError struct {
	Line      string
	Serial    uint64    // of the image
	Highest   uint64    // that was accepted
	When      time.Time // it was accepted
	unchanged string
}

// Error implements error.
func (e *OlderError) Error() string {
	return fmt.Sprintf("the image has serial %d, and serial %d of %q was accepted on %s: an old image may have been played again; nothing was changed in %s",
		e.Serial, e.Highest, e.Line, e.When.Format(time.DateTime), e.unchanged)
}

// Accept remembers the serial that the signatures of an image vouch for, within
// its line: the images that replace each other. A lower serial than that of an
// image before is an *OlderError, unless older allows it; the highest stays
// remembered.
func (s *Store) Accept(line string, serial uint64, older bool) error {
	lines, err := s.readSerials()
	if err != nil {
		return err
	}
	last := lines[line]
	switch {
	case serial < last.Serial && !older:
		return &OlderError{Line: line, Serial: serial, Highest: last.Serial, When: last.When, unchanged: s.dir}
	case serial <= last.Serial:
		return nil
	}
	lines[line] = accepted{serial, time.Now().UTC().Truncate(time.Second)}
	data, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return fmt.Errorf("internal error: encoding %s: %w", serialsFile, err)
	}
	return s.writeFile(serialsFile, append(data, '\n'))
}

func (s *Store) readSerials() (map[string]accepted, error) {
	lines := map[string]accepted{}
	data, err := safeopen.Read(s.meta(serialsFile), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return lines, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &lines)
	}
	if err != nil {
		return nil, fmt.Errorf("reading which serials were accepted: %s: %w: restore the file, or remove it to accept any serial once", s.meta(serialsFile), err)
	}
	return lines, nil
}
