@_exported import ModelZoo
import ZooWeightFiles

// What this product's functions take and return, under one import.

/// Where libhdf5 looks at files: in this process, or apart from it.
public typealias HDF5Access = ZooWeightFiles.HDF5Access
