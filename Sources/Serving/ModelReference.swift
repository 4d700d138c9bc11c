import DistillRuntime

/// A model to serve: its directory and the name by which requests call it.
public struct ModelReference: Sendable, Equatable {
    public let name: String
    public let path: String

    /// Reads `NAME=DIRECTORY` or `DIRECTORY`, whose name is its last part.
    ///
    /// - Throws: ``ServingError`` for a name that does not fit into a path.
    public init(_ text: String) throws(ServingError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, !parts[0].contains("/") {
            (name, path) = (String(parts[0]), String(parts[1]))
        } else {
            path = text
            name = path.split(separator: "/").last.map(String.init) ?? ""
        }
        guard !path.isEmpty else {
            throw ServingError(.validation, "'\(text)': names no directory; give --model NAME=DIRECTORY")
        }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isPlain, !name.isEmpty, name != ".", name != ".." else {
            throw ServingError(
                .validation,
                "'\(text)': a model needs a name of letters, digits, '-', '_' and '.'; give --model NAME=DIRECTORY"
            )
        }
    }
}

/// How models are opened.
public struct ModelOptions: Sendable {
    /// Longer texts are too long, or cut; `nil` for the length that a model was trained with.
    public var maxLength: Int?
    /// True to multiply in bfloat16.
    public var usesBFloat16: Bool
    /// How a tagger's tokens become entities.
    public var aggregation: EntityAggregation.Strategy

    public init(
        maxLength: Int? = nil, usesBFloat16: Bool = false, aggregation: EntityAggregation.Strategy = .simple
    ) {
        (self.maxLength, self.usesBFloat16, self.aggregation) = (maxLength, usesBFloat16, aggregation)
    }
}
