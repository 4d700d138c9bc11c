/// A setting of an objective, as help and documentation show it.
public struct ObjectiveOption: Sendable, Equatable {
    /// In snake case.
    public let name: String
    /// The text that holds where none is given.
    public let defaultValue: String
    /// Its effect, in a few words.
    public let summary: String

    public init(_ name: String, default defaultValue: String, _ summary: String) {
        self.name = name
        self.defaultValue = defaultValue
        self.summary = summary
    }

    /// The temperature that both sides' logits are divided by.
    static func temperature(_ defaultValue: String = "4") -> ObjectiveOption {
        ObjectiveOption("temperature", default: defaultValue, "divides both sides' logits; a schedule")
    }
}
