package engine

// CheckWorker is checkWorker.
var CheckWorker = checkWorker
