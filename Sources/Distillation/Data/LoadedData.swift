import Datasets

/// A data file as token ids, with what the run needs to know of it.
package struct LoadedData {
    package let dataset: EncodedDataset
    /// The classes, for regression `LABEL_0` unless given; `nil` where labels were not looked at.
    package let labels: LabelMap?
    package let record: DataRecord
    /// How many of the texts were cut.
    var cutCount = 0
}
