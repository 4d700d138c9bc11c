/// The value of a setting as it is written in a configuration file: a scalar, a list or a mapping.
///
/// ```swift
/// let objective: SettingNode = ["name": "kl", "weight": 0.7, "temperature": "linear(8, 1)"]
/// ```
public struct SettingNode: Sendable {
    package indirect enum Content: Sendable {
        /// A number, a word or a text.
        case scalar(String, ScalarStyle)
        /// A list; `isFlow` where it is written in brackets.
        case list([SettingNode], isFlow: Bool)
        /// Names and values; `isFlow` where they are written in braces.
        case mapping([(key: SettingNode, value: SettingNode)], isFlow: Bool)
    }

    /// The style of a scalar, numbered as in Yams.
    package enum ScalarStyle: UInt32, Sendable {
        /// The style that the writer needs.
        case any
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    package var content: Content
    /// The line of the file; `nil` for a value from elsewhere.
    package var line: Int?

    package init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    /// Creates a scalar.
    ///
    /// - Parameter text: The value as in a configuration file, without quotes around it.
    public init(_ text: String) { self.init(.scalar(text, .any)) }

    /// Creates a list.
    public init(_ nodes: [SettingNode]) { self.init(.list(nodes, isFlow: true)) }

    /// Creates the node of a value.
    public init(_ value: some SettingValue) { self = value.settingNode }

    // MARK: - Parts

    /// The text of a scalar.
    public var text: String? { if case .scalar(let text, _) = content { text } else { nil } }

    /// The elements of a list.
    public var list: [SettingNode]? { if case .list(let nodes, _) = content { nodes } else { nil } }

    package var mapping: [(key: SettingNode, value: SettingNode)]? {
        if case .mapping(let pairs, _) = content { pairs } else { nil }
    }

    /// True if a file leaves the setting empty.
    package var isNull: Bool {
        guard case .scalar(let text, .plain) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// True if the value is in quotes.
    package var isQuoted: Bool {
        guard case .scalar(_, let style) = content else { return false }
        return style != .plain && style != .any
    }
}

extension SettingNode: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self.init(value) }
    public init(integerLiteral value: Int) { self.init(String(value)) }
    public init(floatLiteral value: Double) { self.init(String(value)) }
    public init(booleanLiteral value: Bool) { self.init(String(value)) }
    public init(arrayLiteral elements: SettingNode...) { self.init(elements) }
    public init(dictionaryLiteral elements: (String, SettingNode)...) {
        self.init(.mapping(elements.map { (SettingNode($0.0), $0.1) }, isFlow: true))
    }
}
