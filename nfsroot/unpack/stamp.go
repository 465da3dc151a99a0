package unpack

import (
	"errors"

	"golang.org/x/sys/unix"
)

// A stamp tells whether a file is the one that was unpacked, without reading it: it
// is an inode that did not change after its root was complete. A write, a chmod and
// a further link move the time of an inode's last change, and no call sets it. What
// the disk lost by itself a stamp does not tell.
type stamp struct {
	inode  uint64 // 0: the entry left no file
	sealed int64  // when the root was complete, by its disk: nanoseconds since 1970
}

func (s stamp) holds(st unix.Stat_t) bool { return st.Ino == s.inode && st.Ctim.Nano() <= s.sealed }

// stamps are those of what the entries of a layer left, in their order.
type stamps struct {
	Sealed int64
	Inodes []uint64
}

// next takes the first of them.
func (s *stamps) next() (stamp, error) {
	if len(s.Inodes) == 0 {
		return stamp{}, errors.New("its listing has more entries than stamps")
	}
	first := stamp{s.Inodes[0], s.Sealed}
	s.Inodes = s.Inodes[1:]
	return first, nil
}

// span is the entries of one layer among those of all.
type span struct{ from, to int }

// seal returns the time of the last change, which was one of the tree's top.
func (t *tree) seal() (int64, error) {
	top, err := t.way.open(".")
	if err != nil {
		return 0, err
	}
	st, err := top.stat(".")
	return st.Ctim.Nano(), err
}

// listStamps puts the stamps of the finished tree behind its listings, those of one
// layer after the other.
func (t *tree) listStamps() error {
	sealed, err := t.seal()
	if err != nil {
		return err
	}
	t.lister.start()
	for _, s := range t.spans {
		if err := t.lister.gob.Encode(stamps{sealed, t.inodes[s.from:s.to]}); err != nil {
			return err
		}
	}
	t.lister.stamps, err = t.lister.stop()
	return err
}
