package nfsroot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/images/safeopen"
	"github.com/rootbuild/rootbuild/nfsroot/lockfile"
)

// formatVersion is the version of the layout that this package reads and writes.
const formatVersion = 1

// Options says on whose behalf a store is opened.
type Options struct {
	// Command is shown to whoever finds the store locked, and kept with every
	// switch. The zero value is the command line of this process.
	Command string
	// User is kept with every switch. The zero value is the user who started
	// this process, through sudo or not.
	User string
	// Host is kept with every switch. The zero value is where that user came
	// from by ssh, or else this host's name.
	Host string
	// Note, when set, is told what a person may want to know of boot entries.
	Note func(text string)
	// Existing wants a store that is there already: one that is absent is then
	// an error that wraps [fs.ErrNotExist], and nothing is created.
	Existing bool
}

// Store is a directory of node roots that this process may change.
// It is not safe for concurrent use.
type Store struct {
	View
	options Options
	lock    io.Closer
	made    string // the first directory that was made for the store, or ""
}

// Check says whether a store could be opened in dir, but for another process that
// holds it. It creates nothing.
func Check(dir string) error {
	v, err := newView(dir)
	if err != nil {
		return err
	}
	err = v.check()
	if err == nil {
		err = v.checkEntries()
	}
	if err != nil {
		return fmt.Errorf("checking nfsroot %s: %w", dir, err)
	}
	return nil
}

// check looks at the directory, or at what it would be created in.
func (v *View) check() error {
	at, err := existing(v.dir)
	if err != nil {
		return err
	}
	if err := checkWritable(at); err != nil {
		return err
	}
	if err := safeopen.Dir(v.dir); err != nil {
		return err
	}
	if err := checkLocks(at); err != nil {
		return err
	}
	for _, dir := range []string{v.meta(), v.meta("roots"), v.meta("staging"), v.meta("trash")} {
		if err := safeopen.Subdir(dir); err != nil {
			return err
		}
	}
	_, err = v.readVersion()
	return err
}

// existing returns the directory, or the nearest above it that is there.
func existing(dir string) (string, error) {
	info, err := os.Stat(dir)
	if above := filepath.Dir(dir); missing(err) && above != dir {
		return existing(above)
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is a %s: name a directory, or move it away", dir, safeopen.Kind(info.Mode()))
	}
	return dir, err
}

// Open opens the store in dir for changes, creating it when absent, and sweeps
// what a killed process left. One process at a time holds a store: the error
// is a *lockfile.HeldError while another does.
func Open(dir string, o Options) (*Store, error) {
	v, err := newView(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{View: v, options: o.withDefaults()}
	if err := s.prepare(); err != nil {
		return nil, fmt.Errorf("opening nfsroot %s: %w", dir, err)
	}
	return s, nil
}

// Close lets another process open the store.
func (s *Store) Close() error {
	if err := s.lock.Close(); err != nil {
		return fmt.Errorf("closing nfsroot %s: %w", s.dir, err)
	}
	return nil
}

// Abandon is Close for work that failed. A store that Open created, and into which
// nothing came, is removed again, with the directories that were made for it.
func (s *Store) Abandon() error {
	if s.made == "" {
		return s.Close()
	}
	// Each is removed only if it is empty, or what Open writes.
	var err error
	for _, dir := range []string{s.meta("staging"), s.meta("roots")} {
		err = errors.Join(err, os.Remove(dir))
	}
	left, readErr := os.ReadDir(s.meta())
	if err != nil || readErr != nil || len(left) != 2 {
		return s.Close()
	}
	err = errors.Join(os.Remove(s.meta("version")), os.Remove(s.meta("lock")), os.Remove(s.meta()))
	for dir := s.dir; err == nil; dir = filepath.Dir(dir) {
		err = os.Remove(dir)
		if dir == s.made {
			break
		}
	}
	return errors.Join(err, s.Close())
}

// prepare checks the directory before it writes into it, then locks, then sweeps.
func (s *Store) prepare() (err error) {
	if s.options.Existing {
		if err := s.checkExists(); err != nil {
			return err
		}
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.made, err = safeopen.Make(s.dir, 0o755); err != nil {
		return err
	}
	for _, dir := range []string{s.meta(), s.meta("roots"), s.meta("staging")} {
		if _, err := safeopen.Make(dir, 0o700); err != nil {
			return err
		}
	}
	if s.lock, err = lockfile.Acquire(s.meta("lock"), s.options.Command); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.lock.Close())
		}
	}()
	if err := s.writeVersion(); err != nil {
		return err
	}
	if err := s.sweep(); err != nil {
		return err
	}
	s.mend()
	return nil
}

// checkExists fails where no store was made yet.
func (s *Store) checkExists() error {
	version, err := s.readVersion()
	if err == nil && version == 0 {
		return fmt.Errorf("no roots were ever unpacked there: %w: check the name of the directory; nothing was created", fs.ErrNotExist)
	}
	return err
}

// writeVersion stamps a new store. The version is read again here: another
// process may have made the store before this one held the lock.
func (s *Store) writeVersion() error {
	version, err := s.readVersion()
	if err != nil || version != 0 {
		return err
	}
	return s.writeFile("version", []byte(strconv.Itoa(formatVersion)+"\n"))
}

// writeFile replaces a file under .rootbuild, whole and durable.
func (s *Store) writeFile(name string, data []byte) error {
	path := s.meta(name)
	if err := renameio.WriteFile(path, data, 0o600, renameio.WithTempDir(s.meta("staging"))); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// create starts a file under .rootbuild that takes its name when it is whole, in
// replace, or goes.
func (s *Store) create(name string) (*renameio.PendingFile, error) {
	f, err := renameio.NewPendingFile(s.meta(name), renameio.WithTempDir(s.meta("staging")), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", s.meta(name), err)
	}
	return f, nil
}

// replace makes a file durable, under its name.
func replace(f *renameio.PendingFile) error {
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing %s: %w", f.Name(), err)
	}
	return nil
}

// sweep removes what a killed process left: half a root in staging, and the
// record of a root that never appeared.
func (s *Store) sweep() error {
	left, err := os.ReadDir(s.meta("staging"))
	if err != nil {
		return fmt.Errorf("sweeping staging: %w", err)
	}
	for _, e := range left {
		if err := os.RemoveAll(s.meta("staging", e.Name())); err != nil {
			return fmt.Errorf("sweeping staging: %w", err)
		}
	}
	for _, suffix := range []string{recordSuffix, inventorySuffix, listingsSuffix} {
		tags, err := s.records(suffix)
		if err != nil {
			return err
		}
		for _, tag := range tags {
			there, err := s.exists(tag)
			if err == nil && !there {
				err = s.forget(tag)
			}
			if err != nil {
				return fmt.Errorf("sweeping the record of %s: %w", tag, err)
			}
		}
	}
	return nil
}

// checkWritable fails where nothing can be created, before anything is tried.
func checkWritable(dir string) error {
	err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	switch {
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("checking %s: %w: mount it read-write, or name another directory", dir, err)
	case err != nil:
		return fmt.Errorf("checking that %s is writable as uid %d: %w: run as root, or name another directory", dir, os.Geteuid(), err)
	}
	return nil
}

// syncDir makes the names in dir durable.
func syncDir(dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}

func (o Options) withDefaults() Options {
	if o.Command == "" {
		o.Command = strings.Join(os.Args, " ")
	}
	if o.User == "" {
		o.User = invokingUser()
	}
	if o.Host == "" {
		o.Host = invokingHost()
	}
	return o
}
