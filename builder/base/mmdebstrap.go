package base

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// A bootstrap is one run of mmdebstrap.
type bootstrap struct {
	suite      string
	mirror     string // a URL, or a whole line of sources.list
	packages   []string
	aptOptions []string // lines of apt.conf
}

// args returns mmdebstrap's arguments. It writes an uncompressed tar to its standard output.
func (b bootstrap) args() []string {
	args := []string{
		"--mode=root",
		// apt stays out: nobody installs into a base once it is an image.
		"--variant=essential",
		"--format=tar",
		"--include=" + strings.Join(b.packages, ","),
	}
	for _, o := range b.aptOptions {
		args = append(args, "--aptopt="+o)
	}
	for _, p := range excludedPaths {
		args = append(args, "--dpkgopt="+p)
	}
	for _, h := range hooks {
		args = append(args, "--customize-hook="+h)
	}
	return append(args, b.suite, "-", b.source())
}

// source returns the line of sources.list. A bare URL would not do: mmdebstrap knows only
// those with "://", and apt has others, such as mirror+file:/etc/apt/mirrors/debian.list.
func (b bootstrap) source() string {
	if strings.HasPrefix(b.mirror, "deb ") {
		return b.mirror
	}
	return fmt.Sprintf("deb %s %s main", b.mirror, b.suite)
}

// start runs mmdebstrap in name spaces of its own, where every process and every mount
// of it ends with it, however it ends. Files that it makes on the way go to dir.
func (b bootstrap) start(ctx context.Context, dir string, log io.Writer) (*output, error) {
	out := &output{log: tail{next: log}}
	out.cmd = exec.CommandContext(ctx, "mmdebstrap", b.args()...)
	out.cmd.Env = environment(dir)
	out.cmd.Stderr = &out.log
	out.cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID,
		// Unshare, not clone: it also makes mounts private, or the host would see them.
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	pipe, err := out.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	out.tar = pipe
	if err := out.cmd.Start(); err != nil {
		return nil, err
	}
	return out, nil
}

// environment is what mmdebstrap and the scripts of packages see: of the host, only the
// way to programs and to the network.
func environment(dir string) []string {
	env := []string{
		"LC_ALL=C.UTF-8",
		"TMPDIR=" + dir,
		"SOURCE_DATE_EPOCH=" + strconv.FormatInt(epoch.Unix(), 10),
	}
	for _, name := range []string{"PATH", "http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// output is the tar that a running mmdebstrap writes. It ends in io.EOF only when
// mmdebstrap ended well: a reader that saw the end saw a whole base.
type output struct {
	cmd  *exec.Cmd
	tar  io.Reader
	log  tail
	done bool
	err  error
}

// Read implements io.Reader.
func (o *output) Read(p []byte) (int, error) {
	if o.done {
		return 0, o.err
	}
	n, err := o.tar.Read(p)
	if err == nil {
		return n, nil
	}
	if waitErr := o.wait(); waitErr != nil {
		err = waitErr
	}
	o.done, o.err = true, err
	return n, err
}

// Close stops mmdebstrap if it still runs.
func (o *output) Close() error {
	if o.done {
		return nil
	}
	o.done, o.err = true, os.ErrClosed
	if err := o.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("stopping mmdebstrap: %w", err)
	}
	// It was killed: that it ended by a signal is no news.
	_ = o.cmd.Wait()
	return nil
}

func (o *output) wait() error {
	err := o.cmd.Wait()
	if err == nil {
		return nil
	}
	return fmt.Errorf("mmdebstrap: %w\n%s", err, o.log.String())
}
