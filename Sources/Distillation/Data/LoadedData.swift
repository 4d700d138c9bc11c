import Datasets

/// A data file as token ids, with what the run needs to know of it.
struct LoadedData {
    let dataset: EncodedDataset
    /// The classes, for regression `LABEL_0` unless given; `nil` where labels were not looked at.
    let labels: LabelMap?
    let record: DataRecord
    /// The number of texts that were cut.
    var cutCount = 0
}
