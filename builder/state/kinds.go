package state

// The kinds of records, each of which has a directory.
const (
	// KindLayers say which definition gave which layer.
	KindLayers = "layers"
	// KindSteps are of the embedded BuildKit's steps. Those of other builders have the
	// name of a builder's directory behind it.
	KindSteps = "steps"
	// KindSeveral are of the steps that several builders shared.
	KindSeveral = "steps-several"
	// KindMade say of what the stages of a target were built, by target.
	KindMade = "made"
	// KindTaken are of packages that were built elsewhere, by key.
	KindTaken = "taken"
	// KindBuilt are of the last build of a target that made its image, by target.
	KindBuilt = "builds"
	// KindProvenance are what builds said of their images, by image.
	KindProvenance = "provenance"
	// KindLeaks say what was found in layers. A change of what is looked for takes
	// another name, so that all are looked through again.
	KindLeaks = "leaks-1"
	// KindInitramfs say which layers gave which layer of an initramfs. A change of how
	// it is made takes another name.
	KindInitramfs = "initramfs-1"
)
