package nfsroot

import (
	"bytes"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rootbuild/rootbuild/nfsroot/unpack"
)

// renewalsFile says under .rootbuild which files lost names when roots were deleted.
const renewalsFile = "renewals"

// renewals returns what is known of such files. What cannot be read is nothing: then
// files are read before they are linked.
func (v *View) renewals() unpack.Renewals {
	f, err := os.Open(v.meta(renewalsFile))
	if err != nil {
		return unpack.Renewals{}
	}
	defer f.Close()
	list, err := unpack.ReadRenewals(f)
	if err != nil {
		return unpack.Renewals{}
	}
	return list
}

// delete takes something out of the trash for good. A kill leaves the rest of
// it there for the next collection.
func (s *Store) delete(t Trashed) error {
	list := s.renewals()
	err := list.RemoveAll(s.meta("trash", t.name))
	return errors.Join(err, s.keep(list))
}

// keep keeps what is known of such files, where the disk has room for it.
func (s *Store) keep(list unpack.Renewals) error {
	if len(list) == 0 {
		if err := os.Remove(s.meta(renewalsFile)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	var file bytes.Buffer
	if err := list.Write(&file); err != nil {
		return err
	}
	err := s.writeFile(renewalsFile, file.Bytes())
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil // a collection is what makes room
	}
	return err
}
