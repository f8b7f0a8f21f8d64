import ZooGraph
import ZooImages
import ZooSystem
import ZooTensor

// What the library's functions take and return, under one import.

/// A tensor of 32-bit floats in memory, row-major.
public typealias Tensor = ZooTensor.Tensor
/// The extent of a tensor along each axis, outermost first.
public typealias Shape = ZooTensor.Shape
/// An error that a person can act on.
public typealias ZooError = ZooSystem.ZooError
/// The kinds of failure.
public typealias ErrorCategory = ZooSystem.ErrorCategory
/// How much a file may ask for before it is refused.
public typealias ReadingLimits = ZooSystem.ReadingLimits
/// How pixels become what enters the network.
public typealias Preprocessing = ZooGraph.Preprocessing
/// What the values of a classifier's output are.
public typealias OutputKind = ZooGraph.OutputKind
/// How a picture is brought to the size that a network takes.
public typealias PictureFitting = ZooImages.PictureFitting
/// How pixels are computed when a picture changes its size.
public typealias Resampling = ZooImages.Resampling
/// What a person has to know about a model.
public typealias ModelCard = ZooGraph.ModelCard
/// What a model was trained from, on what, how, and how well.
public typealias TrainingRecord = ZooGraph.TrainingRecord
/// The value of a layer's attribute.
public typealias AttributeValue = ZooGraph.AttributeValue
/// What running a network would have taken, and what it was allowed.
public typealias MemoryShortage = ZooSystem.MemoryShortage
