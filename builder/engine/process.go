package engine

import (
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // only to silence it
	"os"
	"path/filepath"

	"github.com/moby/buildkit/util/bklog"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// process is what BuildKit and containerd take from the process as a whole, so
// that only one engine at a time may run in it.
type process struct {
	log    *os.File
	tmp    string
	hadTmp bool
}

// divert sends what BuildKit and its libraries log to the file log in dir, new
// with every engine, for it is noise to who builds: on cgroup v1 each step
// warns. And it has temporary mounts made below dir, where sweep finds those of
// a killed run.
func divert(dir string) (*process, error) {
	mounts := mountDir(dir)
	if err := os.MkdirAll(mounts, 0o700); err != nil {
		return nil, fmt.Errorf("creating directory of mounts: %w", err)
	}
	file, err := safeopen.Own(filepath.Join(dir, "log"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, fmt.Errorf("opening BuildKit's log: %w", err)
	}
	p := &process{log: file}
	p.tmp, p.hadTmp = os.LookupEnv("TMPDIR")
	setLogs(file)
	return p, os.Setenv("TMPDIR", mounts)
}

func mountDir(dir string) string { return filepath.Join(dir, "mounts") }

func setLogs(w io.Writer) {
	bklog.L.Logger.SetOutput(w)
	log.SetOutput(w)
}

// restore undoes divert, but for the logs: connections that were closed still
// complain a moment later.
func (p *process) restore() error {
	setLogs(io.Discard)
	err := os.Unsetenv("TMPDIR")
	if p.hadTmp {
		err = os.Setenv("TMPDIR", p.tmp)
	}
	return errors.Join(err, p.log.Close())
}
