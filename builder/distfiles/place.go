package distfiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// place is one concrete place to ask for a blob: a file of a directory, an
// address, an archive that apt knows.
type place struct {
	where   string // as messages show it
	refused error  // why it is not even asked
	bring   func(ctx context.Context, report reporter) error
}

// reporter is told how many bytes of how many are here; total is 0 while
// unknown.
type reporter func(done, total int64)

// download brings a file to part, and says whether bytes of an earlier request
// are in it.
type download func(ctx context.Context, part string, report reporter) (resumed bool, err error)

// places yields where a blob can be had, in the order to ask: it is lazy
// because finding apt's archives takes programs.
func (f *fetcher) places(ctx context.Context, j job) iter.Seq[place] {
	return func(yield func(place) bool) {
		for _, dir := range f.opts.Dirs {
			for _, p := range f.inDir(dir, j) {
				if !yield(p) {
					return
				}
			}
		}
		for _, b := range f.opts.Blobs {
			if !yield(f.atBlobs(b, j.sum)) {
				return
			}
		}
		for _, o := range j.origins {
			for _, p := range f.atOrigin(ctx, o, j.sum) {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// file is a name that a directory may hold a blob under.
type file struct{ name, member string }

// candidates returns the names to look for, each with the member to take out.
func candidates(j job) []file {
	var files []file
	for _, name := range j.names {
		files = appendNew(files, file{name: name})
	}
	for _, o := range j.origins {
		if o.check() != nil {
			continue
		}
		files = appendNew(files, file{o.base(), o.Member})
		if o.Member != "" {
			files = appendNew(files, file{name: path.Base(o.Member)})
		}
	}
	return files
}

func (f *fetcher) inDir(dir string, j job) []place {
	if _, err := os.ReadDir(dir); err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err // the place names the path
		}
		return []place{{where: dir, refused: err}}
	}
	files, err := filesFor(dir, j)
	if err != nil {
		return []place{{where: dir, refused: err}}
	}
	var found []place
	var names []string
	for _, c := range files {
		names = appendNew(names, c.name)
		name := filepath.Join(dir, c.name)
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		found = append(found, place{where: name + inMember(c.member), bring: func(context.Context, reporter) error {
			return f.store.putFile(name, c.member, j.sum)
		}})
	}
	if found == nil {
		return []place{{where: dir, refused: fmt.Errorf("no file %s", strings.Join(names, " or "))}}
	}
	return found
}

// filesFor returns the names to look for in dir: those that its index has for the
// checksum, then those that the blob may have anywhere.
func filesFor(dir string, j job) ([]file, error) {
	paths, err := indexed(dir, j.sum)
	var files []file
	for _, path := range paths {
		files = append(files, file{name: path})
	}
	for _, c := range candidates(j) {
		files = appendNew(files, c)
	}
	return files, err
}

func (f *fetcher) atOrigin(ctx context.Context, o Origin, sum string) []place {
	if err := o.check(); err != nil {
		return []place{{where: o.String(), refused: err}}
	}
	if f.opts.Offline {
		return []place{{where: o.String(), refused: errOffline}}
	}
	if o.URL != "" && !f.mayAsk(o.URL) {
		return []place{{where: o.String(), refused: errHost}}
	}
	if o.URL != "" {
		return []place{f.atURL(o, sum)}
	}
	if f.opts.Mirror != "" {
		return []place{f.atURL(Origin{URL: join(f.opts.Mirror, o.Apt), Member: o.Member}, sum)}
	}
	return f.atApt(ctx, o, sum)
}

// mayAsk says whether the host of a URL is among those that may be asked.
func (f *fetcher) mayAsk(address string) bool {
	u, err := url.Parse(address)
	return f.opts.Hosts == nil || err == nil && slices.Contains(f.opts.Hosts, strings.ToLower(u.Host))
}

func join(site, file string) string { return strings.TrimRight(site, "/") + "/" + file }

func (f *fetcher) atURL(o Origin, sum string) place {
	get := func(ctx context.Context, part string, report reporter) (bool, error) {
		return f.web.get(ctx, o.URL, part, report)
	}
	return place{where: o.String(), refused: o.check(), bring: f.into(o, sum, get)}
}

func (f *fetcher) atApt(ctx context.Context, o Origin, sum string) []place {
	apt, err := f.apt()
	if err != nil {
		return []place{{where: o.String(), refused: err}}
	}
	sites, err := apt.sites(ctx)
	if err != nil {
		return []place{{where: o.String(), refused: err}}
	}
	pin := sum
	if o.Member != "" {
		pin = "" // the outer package's checksum is not known
	}
	var found []place
	for _, site := range sites {
		uri := join(site, o.Apt)
		get := func(ctx context.Context, part string, report reporter) (bool, error) {
			return apt.get(ctx, uri, part, pin, report)
		}
		where := Origin{URL: uri, Member: o.Member}
		found = append(found, place{where: "apt " + where.String(), bring: f.into(where, sum, get)})
	}
	return found
}

// into returns a place's bring: download, verify as a whole, keep. A resumed
// file with wrong bytes is fetched whole once: the origin may have changed, or
// a power cut may have left a hole.
func (f *fetcher) into(o Origin, sum string, get download) func(context.Context, reporter) error {
	return func(ctx context.Context, report reporter) error {
		part := f.store.part(sum, o.URL)
		for whole := false; ; whole = true {
			resumed, err := f.bounded(ctx, get, part, report)
			if err != nil {
				return errors.Join(err, removeEmpty(part))
			}
			err = f.store.keep(part, o.Member, sum)
			if err == nil {
				return nil
			}
			if err := os.Remove(part); err != nil {
				return storeError{err}
			}
			if !resumed || whole {
				return err
			}
		}
	}
}

// bounded ends a download that is larger than any source, and leaves nothing of it.
func (f *fetcher) bounded(ctx context.Context, get download, part string, report reporter) (resumed bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resumed, err = get(ctx, part, func(done, total int64) {
		if max(done, total) > f.opts.MaxSize {
			cancel(sizeError{f.opts.MaxSize})
			return
		}
		report(done, total)
	})
	var large sizeError
	if errors.As(context.Cause(ctx), &large) {
		if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return resumed, storeError{err}
		}
		return resumed, large
	}
	return resumed, err
}

// removeEmpty leaves no file where nothing came, and the bytes of an unfinished
// download for the next run.
func removeEmpty(part string) error {
	info, err := os.Lstat(part)
	if err != nil || info.Size() > 0 {
		return nil
	}
	return os.Remove(part)
}

// keep makes a downloaded file, or a member of it, a blob.
func (s *Store) keep(part, member, sum string) error {
	// apt answers a file: archive with a symlink, which is no blob.
	if info, err := os.Lstat(part); err != nil {
		return storeError{err}
	} else if member == "" && info.Mode().IsRegular() {
		return s.adopt(part, sum)
	}
	return s.putFile(part, member, sum)
}

// putFile copies a file, or a member of it, into the store.
func (s *Store) putFile(name, member, sum string) (err error) {
	f, err := safeopen.File(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var r io.Reader = f
	if member != "" {
		if r, err = openMember(f, member); err != nil {
			return err
		}
		// It may unpack to anything; cut short it has another checksum.
		r = io.LimitReader(r, defaultSize)
	}
	return s.put(r, sum)
}
