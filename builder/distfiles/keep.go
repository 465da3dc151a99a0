package distfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/images/safeopen"
)

// sumError says that whole bytes are not the ones that were pinned.
type sumError struct{ want, got string }

func (e *sumError) Error() string {
	return fmt.Sprintf("wrong checksum: expected sha256 %s, got %s", e.want, e.got)
}

// storeError is a fault of the store itself (a full disk), which no other
// origin can heal.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// storeWriter marks the write errors of a file in the store, so that a copy
// tells them from the read errors of an origin.
type storeWriter struct{ file *os.File }

func (w storeWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		return n, storeError{err}
	}
	return n, nil
}

// part names the file that an origin's download for sum goes to and resumes
// from.
func (s *Store) part(sum, origin string) string {
	id := sha256.Sum256([]byte(origin))
	return filepath.Join(s.partial(), sum+"-"+hex.EncodeToString(id[:6])+".part")
}

// put copies r into the store if its bytes have that checksum. The caller holds
// the claim on sum, so one name for the temporary file is enough and a killed
// run's is written over.
func (s *Store) put(r io.Reader, sum string) (err error) {
	f, err := safeopen.Own(filepath.Join(s.partial(), sum+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return storeError{err}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	hash := sha256.New()
	_, err = io.Copy(storeWriter{f}, io.TeeReader(r, hash))
	if err == nil {
		err = sameSum(sum, hash.Sum(nil))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return s.commit(f, sum)
}

// adopt makes a downloaded file a blob if its bytes have that checksum.
func (s *Store) adopt(file, sum string) error {
	f, err := safeopen.Own(file, os.O_RDWR, 0)
	if err != nil {
		return storeError{err}
	}
	hash := sha256.New()
	if _, err = io.Copy(hash, f); err != nil {
		err = storeError{err}
	} else {
		err = sameSum(sum, hash.Sum(nil))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	return s.commit(f, sum)
}

// commit gives a verified file its name, and closes it in any case. The bytes
// are synced first: a power cut must not leave a blob that is not its name.
func (s *Store) commit(f *os.File, sum string) error {
	err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.Path(sum))
	}
	if err == nil {
		err = syncDir(s.blobs())
	}
	if err != nil {
		return storeError{err}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func sameSum(want string, sum []byte) error {
	if got := hex.EncodeToString(sum); got != want {
		return &sumError{want: want, got: got}
	}
	return nil
}

// discard removes what other origins left half for a blob that is kept now.
func (s *Store) discard(sum string) error {
	entries, err := os.ReadDir(s.partial())
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), sum+"-") {
			err = errors.Join(err, os.Remove(filepath.Join(s.partial(), entry.Name())))
		}
	}
	return err
}
