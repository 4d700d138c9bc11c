import Datasets
import Foundation
import Torch
import Transformers

/// A type that a setting can have.
public protocol SettingValue {
    /// What a value must be, for an error: "a number".
    static var settingDescription: String { get }
    /// The value of a node; `nil` where it is none.
    init?(setting node: SettingNode)
    /// The node that ``init(setting:)`` makes this value of.
    var settingNode: SettingNode { get }
}

extension String: SettingValue {
    public static var settingDescription: String { "a text" }
    public init?(setting node: SettingNode) {
        guard let text = node.text else { return nil }
        self = text
    }
    public var settingNode: SettingNode { SettingNode(.scalar(self, .any)) }
}

extension SettingValue where Self: LosslessStringConvertible {
    public init?(setting node: SettingNode) {
        guard let value = node.text.flatMap({ Self($0) }) else { return nil }
        self = value
    }
    public var settingNode: SettingNode { SettingNode(.scalar(description, .any)) }
}

extension Int: SettingValue {
    public static var settingDescription: String { "a whole number" }
}

extension UInt64: SettingValue {
    public static var settingDescription: String { "a whole number of 0 or more" }
}

// Not YAML's own idea of a number, by which 5e-5 is a text.
extension Double: SettingValue {
    public static var settingDescription: String { "a number" }
}

extension Bool: SettingValue {
    public static var settingDescription: String { "true or false" }
    public init?(setting node: SettingNode) {
        switch node.text?.lowercased() {
        case "true", "yes", "on": self = true
        case "false", "no", "off": self = false
        default: return nil
        }
    }
}

/// A value that a setting can have a list of.
public protocol SettingElement: SettingValue {
    /// What such a list must be, for an error.
    static var listDescription: String { get }
    /// The list that a text in the place of a list means.
    static func list(from text: String) -> [Self]?
}

extension Array: SettingValue where Element: SettingElement {
    public static var settingDescription: String { Element.listDescription }
    public init?(setting node: SettingNode) {
        if let text = node.text {
            guard let list = Element.list(from: text) else { return nil }
            self = list
            return
        }
        guard let nodes = node.list else { return nil }
        let values = nodes.compactMap { Element(setting: $0) }
        guard values.count == nodes.count else { return nil }
        self = values
    }
    public var settingNode: SettingNode { SettingNode(map(\.settingNode)) }
}

extension Int: SettingElement {
    public static var listDescription: String { "a list of whole numbers, such as [0, 2, 4]" }
    public static func list(from text: String) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let values = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
        return values.isEmpty || values.count != parts.count ? nil : values
    }
}

extension String: SettingElement {
    public static var listDescription: String { "a text, or a list of texts, such as [a.csv, b.csv]" }
    public static func list(from text: String) -> [String]? { [text] }
}

extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    public static var settingDescription: String {
        "one of " + allCases.map(\.rawValue).joined(separator: ", ")
    }
    public init?(setting node: SettingNode) {
        guard let value = node.text.flatMap({ Self(rawValue: $0) }) else { return nil }
        self = value
    }
    public var settingNode: SettingNode { SettingNode(.scalar(rawValue, .any)) }
}

extension LearningRateSchedule.Decay: SettingValue {}
extension Precision: SettingValue {}
extension TaskIdentifier: SettingValue {}
extension StudentOptions.Initialization: SettingValue {}
extension TeacherCombination: SettingValue {}
extension DelimitedFormat.Quoting: SettingValue {}
extension RowUnit: SettingValue {}

extension Schedule: SettingValue {
    public static var settingDescription: String { grammar }
    public init?(setting node: SettingNode) {
        guard let schedule = node.text.flatMap({ Schedule($0) }) else { return nil }
        self = schedule
    }
    public var settingNode: SettingNode { SettingNode(.scalar(description, .any)) }
}

extension TeacherLayers: SettingValue {
    public static var settingDescription: String {
        "uniform, first, last, alternate or a list of whole numbers, such as [0, 2, 4]"
    }
    public init?(setting node: SettingNode) {
        if let text = node.text {
            self.init(text)
        } else {
            guard let numbers = [Int](setting: node) else { return nil }
            self = .numbers(numbers)
        }
    }
    public var settingNode: SettingNode {
        switch self {
        case .choice(let choice): SettingNode(.scalar(choice.rawValue, .any))
        case .numbers(let numbers): numbers.settingNode
        }
    }
}
