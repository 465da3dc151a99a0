package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The log of QEMU's driver blklogwrites, which is that of the kernel's
// dm-log-writes: a superblock and entries, each in a sector of its own, an
// entry's data after it.
const (
	logMagic   = 0x6a736677736872
	logFlush   = 1 << 0
	logForced  = 1 << 1 // on the disk at once, flushed or not
	logDiscard = 1 << 2
)

// diskWrite is what a machine asked of its disk.
type diskWrite struct {
	offset int64
	data   []byte
	forced bool
	flush  bool // all writes before it are on the disk
}

// readDiskLog returns what a machine asked, in its order.
func readDiskLog(t *testing.T, file string) []diskWrite {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	field := func(at int64, n int64) uint64 { return binary.LittleEndian.Uint64(data[at+8*n:]) }
	sector := int64(binary.LittleEndian.Uint32(data[24:]))
	if field(0, 0) != logMagic || sector == 0 {
		t.Fatalf("%s is no log of writes", file)
	}
	var list []diskWrite
	at := sector
	for range field(0, 2) {
		number, count, flags := int64(field(at, 0)), int64(field(at, 1)), field(at, 2)
		at += sector
		if flags&logDiscard != 0 {
			t.Fatal("the machine discards sectors, which is not replayed")
		}
		w := diskWrite{offset: number * sector, forced: flags&logForced != 0, flush: flags&logFlush != 0}
		if count > 0 {
			w.data = data[at : at+count*sector]
			at += count * sector
		}
		list = append(list, w)
	}
	return list
}

// promise is what a command of the machine promised when it returned.
type promise struct {
	number  int
	current string
	entry   string // tag of the default entry, or empty
	roots   []string
}

// promiseOf reads a write behind the file system; other writes are none.
func promiseOf(w diskWrite) (promise, bool) {
	if !bytes.HasPrefix(w.data, []byte("PROMISE ")) || w.offset < fileSystemSize {
		return promise{}, false
	}
	words := bytes.Fields(w.data)
	p := promise{current: string(words[2])}
	_, err := fmt.Sscan(string(words[1]), &p.number)
	if tag, _, ok := strings.Cut(string(words[3]), "@"); ok {
		p.entry = tag
	}
	for _, name := range words[4:] {
		if string(name) != "current" {
			p.roots = append(p.roots, string(name))
		}
	}
	return p, err == nil
}
