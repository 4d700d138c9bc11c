import Datasets

/// How a file's tags become those of a model: entities are written in the model's scheme.
struct TagConversion: Sendable, Equatable {
    let from: TagScheme
    let to: TagScheme

    func apply(_ tags: [String]) -> [String] { from.convert(tags, to: to) }
}
