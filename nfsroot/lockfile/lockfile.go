// Package lockfile locks a directory for one process, and tells who holds it.
package lockfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// HeldError says that another process holds the lock, and which.
type HeldError struct {
	// Path is the lock file.
	Path string
	// PID and Command are the holder's; PID is 0 when it is not known.
	PID     int
	Command string
	// Since is when the holder took the lock.
	Since time.Time
}

// Error names the holder and what to do.
func (e *HeldError) Error() string {
	holder := "another process"
	if e.PID != 0 {
		holder = fmt.Sprintf("process %d (%s) since %s", e.PID, e.Command, e.Since.Format(time.RFC3339))
	}
	return fmt.Sprintf("%s is held by %s: wait for it, or stop it; nothing was changed", e.Path, holder)
}

// holder is what the lock file says. Only the flock counts: a holder that was
// killed leaves its name, and the lock free.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// Acquire takes the lock at path without waiting, and writes into it that
// command of this process did. The error is a *HeldError when another process
// has it. Close of what it returns gives the lock back.
func Acquire(path, command string) (io.Closer, error) {
	// Without following, for a lock that another user prepared would be written
	// elsewhere.
	own, err := safeopen.Own(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	defer own.Close()
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY|unix.O_NOFOLLOW))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if !ok {
		return nil, heldError(path)
	}
	data, err := json.Marshal(holder{PID: os.Getpid(), Command: command, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		// In place, not by rename: the flock belongs to this inode.
		err = rewrite(own, append(data, '\n'))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing %s: %w", path, err), lock.Close())
	}
	return lock, nil
}

// rewrite makes data all that a file holds.
func rewrite(f *os.File, data []byte) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Write(data)
	return err
}

// maxHolder is how much of a lock file is read, in bytes.
const maxHolder = 64 << 10

// heldError reads who holds the lock. Its text may be a moment away, for the
// holder writes it after it locks: then the holder stays unnamed.
func heldError(path string) error {
	e := &HeldError{Path: path}
	data, err := safeopen.Read(path, maxHolder)
	var h holder
	if err == nil && json.Unmarshal(data, &h) == nil {
		e.PID, e.Command, e.Since = h.PID, h.Command, h.Since
	}
	return e
}
