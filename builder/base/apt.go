package base

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// indexFormat asks apt for one line a target; the label may hold blanks and comes last.
const indexFormat = "$(SITE) $(RELEASE) $(COMPONENT) $(LABEL)"

// An indexTarget is one package index that the host's apt would fetch.
type indexTarget struct {
	site, release, component string
	label                    string // of the archive's Release file; empty where that was never fetched
}

// hostMirror returns the archive that the host's apt takes Debian's packages from.
func hostMirror(ctx context.Context, suite string) (string, error) {
	fetched, err := indexTargets(ctx)
	if err != nil {
		return "", err
	}
	if site, ok := debianSite(fetched, suite); ok {
		return site, nil
	}
	// apt leaves out every target whose Release file it does not hold, unless told that
	// none is wanted: so it is on a machine that never ran apt-get update.
	configured, err := indexTargets(ctx, "--no-release-info")
	if err != nil {
		return "", err
	}
	if site, ok := debianSite(configured, suite); ok {
		return site, nil
	}
	return "", errors.New("finding a Debian archive: the apt configuration of this host names none; name one with --mirror URL, or an image with --base REF")
}

// indexTargets asks apt-get, which reads every format of sources that it knows.
func indexTargets(ctx context.Context, flags ...string) ([]indexTarget, error) {
	args := append([]string{"indextargets", "--format", indexFormat}, flags...)
	out, err := aptOutput(ctx, "apt-get", append(args, "Created-By: Packages")...)
	if err != nil {
		return nil, err
	}
	return parseIndexTargets(out), nil
}

func parseIndexTargets(out string) []indexTarget {
	var targets []indexTarget
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(f) < 3 {
			continue
		}
		t := indexTarget{site: f[0], release: f[1], component: f[2]}
		// apt leaves a variable that it has no value for as it stands.
		if len(f) == 4 && f[3] != "$(LABEL)" {
			t.label = f[3]
		}
		targets = append(targets, t)
	}
	return targets
}

// debianSite picks Debian's main archive out of targets. Where no label tells, the first
// archive with a component main is taken: apt lists sources in the order of their files,
// and the distribution's own come first.
func debianSite(targets []indexTarget, suite string) (string, bool) {
	var sites []indexTarget
	for _, t := range targets {
		known := t.label == "Debian"
		guessed := t.label == "" && !strings.HasSuffix(t.release, "-security")
		if t.component == "main" && (known || guessed) {
			sites = append(sites, t)
		}
	}
	if len(sites) == 0 {
		return "", false
	}
	if i := slices.IndexFunc(sites, func(t indexTarget) bool { return t.release == suite }); i >= 0 {
		return sites[i].site, true
	}
	return sites[0].site, true
}

// hostAptOptions returns the settings of the host's apt that decide how it reaches an
// archive, as lines of apt.conf. mmdebstrap reads none of them by itself.
func hostAptOptions(ctx context.Context) ([]string, error) {
	out, err := aptOutput(ctx, "apt-config", "dump")
	if err != nil {
		return nil, err
	}
	return parseAptOptions(out), nil
}

// reachOptions are the prefixes of what hostAptOptions hands on: proxies, certificates,
// time-outs, and the checks that a frozen mirror cannot pass.
var reachOptions = []string{
	"Acquire::http::",
	"Acquire::https::",
	"Acquire::Retries ",
	"Acquire::ForceIPv4 ",
	"Acquire::ForceIPv6 ",
	"Acquire::Check-Valid-Until ",
	"Acquire::Check-Date ",
}

func parseAptOptions(dump string) []string {
	var lines []string
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		reach := slices.ContainsFunc(reachOptions, func(p string) bool { return strings.HasPrefix(line, p) })
		if reach && !strings.HasSuffix(line, ` "";`) {
			lines = append(lines, line)
		}
	}
	return lines
}

// aptOutput runs a program of apt and returns what it prints.
func aptOutput(ctx context.Context, name string, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("reading the apt configuration: %s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
