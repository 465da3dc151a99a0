package distfiles

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ulikunitz/xz"
)

// maxIndex bounds what an index may unpack to, in bytes; unstable's has 70 MB.
const maxIndex = 1 << 30

// debianVersion is what one may consist of: nobody signed the index, and a
// terminal shows it.
var debianVersion = regexp.MustCompile(`^[0-9A-Za-z.+~:-]+$`)

// indexed returns the releases that Debian archives have of the package whose
// pool holds file.
func (s *survey) indexed(ctx context.Context, sites []string, file string) (found []Release, unknown []Answer) {
	// pool/COMPONENT/LETTER/PACKAGE/FILE
	parts := strings.Split(file, "/")
	if len(parts) != 5 || parts[0] != "pool" {
		return nil, []Answer{{"apt " + file, Unreachable, errors.New("not a path of an archive's pool")}}
	}
	component, name := parts[1], parts[3]
	for _, suite := range s.opts.Suites {
		var errs []error
		for _, site := range sites {
			address := join(site, path.Join("dists", suite, component, "source", "Sources.xz"))
			versions, err := s.indices.get(address, func() (map[string][]string, error) { return s.readIndex(ctx, address) })
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", redact(site), err))
			}
			for _, v := range versions[name] {
				if !debianVersion.MatchString(v) {
					continue
				}
				found = append(found, Release{upstream(v), "Debian " + suite + " (" + name + " " + v + ")"})
			}
		}
		if len(errs) == len(sites) {
			unknown = append(unknown, Answer{"Debian " + suite, Unreachable, errors.Join(errs...)})
		}
	}
	return found, unknown
}

// readIndex returns the versions of every package of an index.
func (s *survey) readIndex(ctx context.Context, address string) (_ map[string][]string, err error) {
	name := sha256.Sum256([]byte(address))
	file := filepath.Join(s.dir, hex.EncodeToString(name[:6]))
	if err := s.download(ctx, address, file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(file)) }()
	r, err := xz.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", redact(address), err)
	}
	versions, err := sourceVersions(io.LimitReader(r, maxIndex))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", redact(address), err)
	}
	return versions, nil
}

// download brings a file from an archive: with the host's apt if it is one of
// its archives.
func (s *survey) download(ctx context.Context, address, file string) error {
	silent := func(int64, int64) {}
	if s.opts.Mirror != "" {
		_, err := s.web.get(ctx, address, file, silent)
		return err
	}
	apt, err := s.apt()
	if err != nil {
		return err
	}
	_, err = apt.get(ctx, address, file, "", silent)
	return err
}

// sourceVersions reads the versions of all packages of a Sources index.
func sourceVersions(r io.Reader) (map[string][]string, error) {
	versions := map[string][]string{}
	var name, version string
	add := func() {
		if name != "" && version != "" {
			versions[name] = append(versions[name], version)
		}
		name, version = "", ""
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			add()
		}
		if v, ok := strings.CutPrefix(line, "Package: "); ok {
			name = v
		}
		if v, ok := strings.CutPrefix(line, "Version: "); ok {
			version = v
		}
	}
	add()
	return versions, lines.Err()
}
