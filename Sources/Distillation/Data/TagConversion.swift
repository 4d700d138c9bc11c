import Datasets

/// The conversion of a file's tags to those of a model: entities are written in the model's scheme.
struct TagConversion: Sendable, Equatable {
    let from: TagScheme
    let to: TagScheme

    func apply(_ tags: [String]) -> [String] { from.convert(tags, to: to) }
}
