package prune

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rootbuild/rootbuild/builder/initramfs"
	"github.com/rootbuild/rootbuild/builder/state"
	"github.com/rootbuild/rootbuild/images/oci"
	"github.com/rootbuild/rootbuild/images/safeopen"
)

// lookRecords says which records stay: those that the next builds of targets look up.
func (p *pruning) lookRecords() error {
	dir := filepath.Join(p.state.Dir(), "records")
	kinds, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, k := range kinds {
		judge := p.judgeOf(k.Name())
		if judge == nil || !k.IsDir() {
			continue // of another rootbuild
		}
		// What is removed there must not be somewhere else.
		if err := safeopen.Subdir(filepath.Join(dir, k.Name())); err != nil {
			return err
		}
		if err := p.lookRecordsIn(filepath.Join(dir, k.Name()), judge); err != nil {
			return err
		}
	}
	return nil
}

func (p *pruning) lookRecordsIn(dir string, judge func(record) (bool, error)) error {
	list, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range list {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		r := record{name, filepath.Join(dir, e.Name()), info}
		stays, err := judge(r)
		if err != nil {
			return err
		}
		if stays {
			p.tell(Keep, kindRecord, info.Size(), "builds look them up")
			continue
		}
		p.records = append(p.records, r.file)
		p.tell(Delete, kindRecord, info.Size(), "of no target, or of what is gone")
	}
	return nil
}

// record is the file of one.
type record struct {
	name string // without its suffix
	file string
	info fs.FileInfo
}

// judgeOf returns what says of the records of a kind which stay, or nil.
func (p *pruning) judgeOf(kind string) func(record) (bool, error) {
	builder, ofBuilder := strings.CutPrefix(kind, state.KindSteps+"-")
	switch {
	case kind == state.KindLayers:
		return p.layerRecordStays
	case kind == state.KindInitramfs:
		return p.initramfsStays
	case kind == state.KindSteps, kind == state.KindSeveral:
		return p.stepStays
	case kind == state.KindTaken:
		return func(r record) (bool, error) { return p.needed.taken[r.name], nil }
	case kind == state.KindMade:
		return func(r record) (bool, error) { return p.needed.made[r.name] || p.young(r.info.ModTime()), nil }
	case kind == state.KindLeaks, kind == state.KindProvenance:
		return p.ofBlobsThatStay()
	case strings.HasPrefix(kind, "leaks-"): // of a rootbuild that looked for others
		return func(r record) (bool, error) { return p.young(r.info.ModTime()), nil }
	case ofBuilder:
		return func(r record) (bool, error) {
			if !p.builders[builder] {
				return false, nil // all its steps count as lost
			}
			return p.stepStays(r)
		}
	}
	return nil
}

// stepStays says whether plan asks for a step, or may do so if a recipe is as it was.
func (p *pruning) stepStays(r record) (bool, error) {
	return p.needed.steps[r.name] || p.young(r.info.ModTime()), nil
}

// layerRecordStays says whether a record is of a layer that stays, and somebody asks for
// it or may do so.
func (p *pruning) layerRecordStays(r record) (bool, error) {
	if !p.needed.layers[r.name] && !p.young(r.info.ModTime()) {
		return false, nil
	}
	var l oci.Layer
	found, err := r.read(&l)
	return found && p.stay[l.Digest], err
}

// initramfsStays says whether a record is of a layer that stays.
func (p *pruning) initramfsStays(r record) (bool, error) {
	var made initramfs.Made
	found, err := r.read(&made)
	return found && p.stay[made.Layer.Digest], err
}

// read says whether the record is there and can be read, as builds would.
func (r record) read(v any) (bool, error) {
	data, err := safeopen.Read(r.file, state.MaxRecord)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return json.Unmarshal(data, v) == nil, nil
}

// ofBlobsThatStay keeps what was found in layers that stay, for after the day of their
// build they cannot be looked through for that day, and how images that stay were built.
func (p *pruning) ofBlobsThatStay() func(record) (bool, error) {
	names := map[string]bool{}
	for h := range p.stay {
		names[nameOf(h.String())] = true
	}
	return func(r record) (bool, error) { return names[r.name], nil }
}
