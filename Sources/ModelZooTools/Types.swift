@_exported import ModelZoo
import ZooConversion
import ZooData
import ZooExport
import ZooFormat
import ZooGraph
import ZooLearning
import ZooTraining
import ZooVerification
import ZooWeightFiles

// What this product's functions take and return, under one import.

/// Turns a weight file into a verified `.zoo` file.
public typealias Converter = ZooConversion.Converter
/// What a person may state about a weight file in place of what is found in it.
public typealias RecipeOptions = ZooConversion.RecipeOptions
/// What a conversion did.
public typealias ConversionReport = ZooConversion.ConversionReport
/// What a file with smaller weights has to keep to.
public typealias FitTarget = ZooConversion.FitTarget
/// How weights are stored when a file is written.
public typealias StorageType = ZooFormat.StorageType
/// A class that a model tells apart.
public typealias ClassLabel = ZooGraph.ClassLabel
/// A height and a width.
public typealias Extent2D = ZooGraph.Extent2D
/// How a file stores kernels.
public typealias KernelLayout = ZooConversion.KernelLayout
/// The checks of a verification.
public typealias Verifier = ZooVerification.Verifier
/// What a verification found.
public typealias VerificationReport = ZooVerification.VerificationReport
/// The report of a verification that said no.
public typealias VerificationFailure = ZooVerification.VerificationFailure
/// Writes a model's weights as a file that other programs read.
public typealias Exporter = ZooConversion.Exporter
/// The order of the axes of images.
public typealias ImageLayout = ZooExport.ImageLayout
/// Where two model files differ.
public typealias ModelDifference = ZooConversion.ModelDifference
/// Where libhdf5 looks at files: in this process, or apart from it.
public typealias HDF5Access = ZooWeightFiles.HDF5Access
/// The process apart in which libhdf5 looks at files.
public typealias HDF5Helper = ZooWeightFiles.HDF5Helper
/// Labelled pictures: which files there are, and what is known about each.
public typealias ImageDataset = ZooData.ImageDataset
/// Trains a new head on the features of a frozen backbone.
public typealias HeadTrainer = ZooTraining.HeadTrainer
/// Trains a head and then layers of its backbone.
public typealias Trainer = ZooTraining.Trainer
/// How layers of a backbone are trained.
public typealias TrainingConfiguration = ZooTraining.TrainingConfiguration
/// How a gradient changes weights.
public typealias Optimizer = ZooLearning.Optimizer
/// How large gradients are limited before they are applied.
public typealias GradientClipping = ZooLearning.GradientClipping
/// The rate of each step of a training.
public typealias Schedule = ZooLearning.Schedule
/// What training makes small.
public typealias Loss = ZooLearning.Loss
/// Where the training of a backbone's layers is.
public typealias TuningProgress = ZooTraining.TuningProgress
/// A test of rates.
public typealias RateSearch = ZooTraining.RateSearch
/// What the training of a backbone's layers came to.
public typealias FineTuningReport = ZooTraining.FineTuningReport
/// What training layers of a backbone would take.
public typealias FineTuningCost = ZooTraining.FineTuningCost
/// What a training did, and how well the result does.
public typealias TrainingReport = ZooTraining.TrainingReport
/// What a training would take.
public typealias TrainingEstimate = ZooTraining.TrainingEstimate
/// How well a model does on labelled pictures.
public typealias Evaluation = ZooTraining.Evaluation
/// Compares backbones, and layers of them, on labelled pictures.
public typealias BackboneChooser = ZooTraining.BackboneChooser
/// Which backbone, and which layer of it, suits some pictures.
public typealias BackboneChoice = ZooTraining.BackboneChoice
/// Measures the statistics of batch norms anew on pictures of another kind.
public typealias BatchNormAdaptation = ZooTraining.BatchNormAdaptation
/// What an adaptation of batch norms changed, and whether it helped.
public typealias AdaptationReport = ZooTraining.AdaptationReport
/// Joins models of the same classes into one.
public typealias ModelEnsemble = ZooTraining.ModelEnsemble
/// What an ensemble is made of.
public typealias EnsembleReport = ZooTraining.EnsembleReport
/// Adds classes to a model with a nearest-neighbour head, without training.
public typealias ClassAddition = ZooTraining.ClassAddition
/// What a backbone sees in pictures without labels.
public typealias PictureFeatures = ZooTraining.PictureFeatures
/// Pictures that can be searched for those most like another one.
public typealias PictureIndex = ZooTraining.PictureIndex
/// Pictures without labels sorted into groups of similar ones.
public typealias PictureGroups = ZooTraining.PictureGroups
/// Adds a layer behind a backbone that whitens its features.
public typealias FeatureWhitener = ZooTraining.FeatureWhitener
