import Datasets

/// A data file as token ids, with the facts that a run needs about it.
package struct LoadedData {
    package var dataset: EncodedDataset
    /// The classes, for regression `LABEL_0` unless given; `nil` where labels were not read.
    package let labels: LabelMap?
    package let record: DataRecord
    /// The number of texts that were cut.
    var cutCount = 0
}
