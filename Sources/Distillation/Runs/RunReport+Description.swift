import Torch
import Transformers

extension RunReport.Versions {
    package static var current: RunReport.Versions {
        RunReport.Versions(
            distill: Version.current, libtorch: Runtime.version, cpuCapability: Runtime.cpuCapability,
            threads: Runtime.threadCount, kernels: PackedKernels.instructionSet,
            gigaflops: Calibration.decided?.speeds)
    }
}

extension RunReport.Sizes {
    package init(_ configuration: ModelConfiguration) {
        self.init(
            layers: configuration.numHiddenLayers, hiddenSize: configuration.hiddenSize,
            intermediateSize: configuration.intermediateSize, attentionHeads: configuration.numAttentionHeads,
            vocabularySize: configuration.vocabSize)
    }
}
