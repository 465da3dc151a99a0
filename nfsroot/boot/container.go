package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// EnterOptions say which root to look around in, and how.
type EnterOptions struct {
	Root     string   // directory of the root
	Name     string   // host name in the container
	Command  []string // empty: root's login shell
	Runc     string
	Terminal bool   // whether standard input and output are one
	Dir      string // where containers keep their files; empty: /run/rootbuild/enter
}

// Enter runs a command in a container on a root, which it cannot change, with
// the standard streams of this process, and returns its exit status. Nothing of
// the container stays, not even when ctx ends it.
func Enter(ctx context.Context, o EnterOptions) (status int, err error) {
	if o.Dir == "" {
		o.Dir = "/run/rootbuild/enter"
	}
	c, err := newContainer(o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.remove()) }()
	cmd := exec.CommandContext(ctx, c.runc, "--root", c.state(), "run", "--bundle", c.dir, c.id)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return c.command("kill", c.id, "KILL").Run() }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.As(err, &exit):
		return exit.ExitCode(), nil
	case err != nil:
		return 0, fmt.Errorf("entering %s: %w", o.Root, err)
	}
	return 0, nil
}

// container is a runc container: its bundle and its state in a directory.
type container struct {
	runc string
	id   string
	dir  string
	lock *flock.Flock // held as long as the container's owner lives
}

// newContainer prepares a container, and removes those of killed processes.
func newContainer(o EnterOptions) (_ *container, err error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("preparing the container: %w", err)
	}
	if err := sweep(o.Dir, o.Runc); err != nil {
		return nil, fmt.Errorf("sweeping containers: %w", err)
	}
	dir, err := os.MkdirTemp(o.Dir, "rootbuild-")
	if err != nil {
		return nil, fmt.Errorf("preparing the container: %w", err)
	}
	c := &container{runc: o.Runc, id: filepath.Base(dir), dir: dir, lock: flock.New(filepath.Join(dir, "lock"))}
	if err := c.write(o); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the container: %w", err), os.RemoveAll(dir))
	}
	return c, nil
}

func (c *container) write(o EnterOptions) error {
	if err := c.lock.Lock(); err != nil {
		return err
	}
	spec, err := containerSpec(o)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.dir, "config.json"), data, 0o600)
}

func (c *container) state() string { return filepath.Join(c.dir, "state") }

func (c *container) command(args ...string) *exec.Cmd {
	return exec.Command(c.runc, append([]string{"--root", c.state()}, args...)...)
}

// remove ends what still runs in the container and removes its files.
func (c *container) remove() error {
	if out, err := c.command("delete", "--force", c.id).CombinedOutput(); err != nil {
		return fmt.Errorf("removing container %s: %w: %s", c.id, err, strings.TrimSpace(string(out)))
	}
	return errors.Join(os.RemoveAll(c.dir), c.lock.Close())
}

// sweep removes containers whose owner was killed.
func sweep(dir, runc string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		c := &container{runc: runc, id: e.Name(), dir: filepath.Join(dir, e.Name())}
		c.lock = flock.New(filepath.Join(c.dir, "lock"))
		free, err := c.lock.TryLock()
		if errors.Is(err, fs.ErrNotExist) {
			continue // its owner was faster
		}
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		if err := c.remove(); err != nil {
			return err
		}
	}
	return nil
}
