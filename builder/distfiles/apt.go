package distfiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	aptGrace     = 5 * time.Second
	aptPollEvery = 200 * time.Millisecond
)

// apt downloads through the host's apt, so that its proxies, credentials and
// mirror methods hold.
type apt struct {
	helper string // apt-helper is in no PATH

	mu    sync.Mutex
	found []string
}

// findApt looks for apt's programs. The methods' directory is asked for because
// apt-helper lies beside it, wherever a distribution puts both.
func findApt() (*apt, error) {
	methods := "/usr/lib/apt/methods"
	if out, err := exec.Command("apt-config", "shell", "dir", "Dir::Bin::methods").Output(); err == nil {
		if _, dir, ok := strings.Cut(strings.TrimSpace(string(out)), "="); ok {
			methods = strings.Trim(dir, "'")
		}
	}
	helper, err := exec.LookPath(filepath.Join(filepath.Dir(methods), "apt-helper"))
	if err != nil {
		return nil, errors.New("this host has no apt: name a Debian archive with --mirror, or a directory with --distdir")
	}
	return &apt{helper: helper}, nil
}

// sites returns the base URIs of the Debian archives that the host's apt is
// configured for, the main archive first. Before the first apt-get update the
// archives' origins are unknown: then every configured one is returned.
func (a *apt) sites(ctx context.Context) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found != nil {
		return a.found, nil
	}
	sites, err := debianSites(ctx)
	if err == nil && sites == nil {
		sites, err = configuredSites(ctx)
	}
	a.found = sites
	return sites, err
}

func debianSites(ctx context.Context) ([]string, error) {
	targets, err := indexTargets(ctx, "$(ORIGIN)|$(LABEL)|$(SITE)")
	if err != nil {
		return nil, err
	}
	var main, further []string
	for _, target := range targets {
		switch fields := strings.SplitN(target, "|", 3); {
		case len(fields) < 3 || fields[0] != "Debian":
		case fields[1] == "Debian":
			main = appendNew(main, fields[2])
		default:
			further = appendNew(further, fields[2])
		}
	}
	for _, site := range further {
		main = appendNew(main, site)
	}
	return main, nil
}

func configuredSites(ctx context.Context) ([]string, error) {
	targets, err := indexTargets(ctx, "$(SITE)", "--no-release-info")
	if err != nil {
		return nil, err
	}
	var sites []string
	for _, site := range targets {
		sites = appendNew(sites, site)
	}
	if sites == nil {
		return nil, errors.New("this host's apt names no archive: name one with --mirror, or a directory with --distdir")
	}
	return sites, nil
}

func indexTargets(ctx context.Context, format string, flags ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"indextargets", "--format", format}, flags...)...)
	out, err := runApt(cmd)
	if err != nil {
		return nil, fmt.Errorf("asking apt for its archives: %w", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}

// get downloads uri to part. Without a checksum (sum empty) apt takes what
// comes.
func (a *apt) get(ctx context.Context, uri, part, sum string, report reporter) (resumed bool, err error) {
	_, missing := os.Lstat(part)
	resumed = missing == nil
	// The store may lie where apt's own user may not go (a home directory):
	// apt would complain and then go on as root, leaving files of _apt's
	// elsewhere. All bytes are verified here anyway.
	args := []string{"-q", "-o", "APT::Sandbox::User=root", "download-file", uri, part}
	if sum != "" {
		args = append(args, "SHA256:"+sum)
	}
	cmd := exec.CommandContext(ctx, a.helper, args...)
	stop := poll(part, report)
	_, err = runApt(cmd)
	stop()
	if ctx.Err() != nil {
		return resumed, ctx.Err()
	}
	// apt sets wrong bytes aside: handed on, they are told like any others.
	if e := os.Rename(part+".FAILED", part); e == nil {
		return resumed, nil
	} else if !errors.Is(e, fs.ErrNotExist) {
		return resumed, storeError{e}
	}
	return resumed, err
}

// runApt runs one of apt's programs in a process group of its own, so that a
// cancel also ends its transports, and returns stdout.
func runApt(cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = aptGrace
	if err := cmd.Run(); err != nil {
		return nil, aptError(errs.String(), err)
	}
	return out.Bytes(), nil
}

// aptError takes apt's first error line as the reason, without the address,
// which the place names.
func aptError(output string, err error) error {
	for line := range strings.Lines(output) {
		reason, ok := strings.CutPrefix(line, "E: ")
		if !ok {
			continue
		}
		words := strings.Fields(reason)
		if fetch := []string{"Failed", "to", "fetch"}; len(words) > 4 && slices.Equal(words[:3], fetch) {
			words = words[4:]
		}
		return errors.New(strings.Join(words, " "))
	}
	return err
}

// poll reports a growing file until stop is called: apt shows progress to
// terminals only.
func poll(name string, report reporter) (stop func()) {
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(aptPollEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if info, err := os.Stat(name); err == nil {
					report(info.Size(), 0)
				}
			}
		}
	})
	return func() { close(quit); wg.Wait() }
}
