// Package report draws the page about a build: one HTML file that needs nothing else.
// It gets values and knows no state directory. What is not known of a build is said as
// not known.
package report

import "time"

// Page is what the page tells of an image and the build that made it. Zero values are
// what is not known.
type Page struct {
	Target, Description string
	Image               string    // digest
	Base                string    // digest of what it was built in
	Epoch               time.Time // of its files
	Rootbuild           string    // the program that made it
	Toolchain           Toolchain
	Sources             int     // files that it is built from
	Stages              []Stage // in an order in which they can be built
	Layers              []Layer // of the image, the lowest first
	Files               []File  // the largest of the image, the largest first
	Build               *Build  // nil: an older rootbuild made it, and did not note its builds
	Previous            *Image  // that the target had before; nil: not known
	Boot                *Boot   // the last boot of the image here; nil: none
	Drawn               Drawn   // of the page itself
}

// Drawn says what drew the page.
type Drawn struct {
	At        time.Time
	Rootbuild string
}

// Toolchain is what packages are built with where they do not say so.
type Toolchain struct {
	Name, Version string
	Binds         []string // names of stages
}

// Build is one run that made an image.
type Build struct {
	Started, Completed time.Time
	Run                time.Time // that of its steps
}

// Stage is what is known of the building of one recipe.
type Stage struct {
	Name, Version, Kind string
	InImage             bool     // it has a layer
	With                []string // the stages that it is built with, those that it names itself
	Bound               bool     // it is built with the toolchain, too
	After               []string // all stages that have to be done before it
	Build, Collect      *Step    // when they last ran; nil: not known
	Take                *Take    // from where it was taken last; nil: it was not
}

// Step is a step that ran.
type Step struct {
	Started, Completed time.Time // zero: only how long it took is known
	Seconds            float64
	Run                time.Time // equal for the steps of one run; zero: not known
	Builder            string    // where it ran; "": not known
}

// Take is how a stage's result came from elsewhere.
type Take struct {
	Step
	From string // a place of packages
}

// Layer is one of an image.
type Layer struct {
	Package, Version string // what it is of; the target's own has its name and no version
	Own              bool   // it has the target's own files
	Digest           string
	Size             int64 // of its blob, in bytes
	Unpacked         int64 // of its files, in bytes
	Files            int
}

// File is a file of an image.
type File struct {
	Path, Package string
	Size          int64
}

// Image is one to compare with.
type Image struct {
	Digest string
	Layers []Layer
}

// Boot is a boot of the image in a virtual machine.
type Boot struct {
	At     time.Time
	Accel  string // how its instructions ran
	Passed bool
	Checks []Check
	Phases []Phase
}

// Check is a question that the booted node had to answer.
type Check struct {
	Name, Verdict string
	Failed        bool
	Seconds       float64
	Detail        string
}

// Phase is a part of a boot, in seconds since the kernel's start.
type Phase struct {
	Name       string
	Start, End float64
}
