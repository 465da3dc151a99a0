package records

import "time"

// Built is the record of the last build of a target that made its image.
type Built struct {
	Image     string // digest
	Previous  string `json:",omitempty"` // that of another image, which the target had before
	Base      string `json:",omitempty"` // none where all was taken from elsewhere
	Rootbuild string // the program that built, as the blueprint names it
	Started   time.Time
	Completed time.Time
	Run       time.Time // that of its steps
}
