/// One example of a text-classification task.
public struct TextExample: Sendable, Equatable {
    public var text: String
    /// The second text, for tasks on pairs.
    public var pair: String?
    /// The class; `nil` where the file has no labels.
    public var label: Int?

    public init(_ text: String, pair: String? = nil, label: Int? = nil) {
        self.text = text
        self.pair = pair
        self.label = label
    }
}
