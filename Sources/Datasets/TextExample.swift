/// One example of a text-classification task.
public struct TextExample: Sendable, Equatable {
    public var text: String
    /// The second text, for tasks on pairs.
    public var pair: String?
    /// The class; `nil` where there is no label, or one of another form.
    public var label: Int?
    /// The classes of a label that is a set, in rising order.
    public var labelSet: [Int]?
    /// The number that is the label.
    public var value: Float?

    public init(
        _ text: String, pair: String? = nil, label: Int? = nil, labelSet: [Int]? = nil, value: Float? = nil
    ) {
        self.text = text
        self.pair = pair
        self.label = label
        self.labelSet = labelSet
        self.value = value
    }

    /// True if there is a label, of whatever kind.
    public var isLabeled: Bool { label != nil || labelSet != nil || value != nil }
}
