import Datasets
import Exporters
import Foundation
import Torch
import Transformers

/// A type of settings' values.
public protocol SettingValue {
    /// The description of valid values, for an error: "a number".
    static var settingDescription: String { get }
    /// Reads the value of a node; `nil` where the node has another type.
    init?(setting node: SettingNode)
    /// The node from which ``init(setting:)`` reads this value.
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

// Not YAML's own definition of a number, by which 5e-5 is a text.
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

/// A type of which a setting's value can be a list.
public protocol SettingElement: SettingValue {
    /// The description of valid lists, for an error.
    static var listDescription: String { get }
    /// Reads the list that is meant by a text in place of a list.
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
extension Optimizer: SettingValue {}
extension Precision: SettingValue {}
extension TaskIdentifier: SettingValue {}
extension StudentOptions.Initialization: SettingValue {}
extension VectorProjection: SettingValue {}
extension PoolingMode: SettingValue {}
extension ScoreActivation: SettingValue {}
extension TeacherCombination: SettingValue {}
extension GGUFOutputType: SettingValue {
    public static var settingDescription: String {
        "one of " + trained.map(\.rawValue).joined(separator: ", ")
    }
    public init?(setting node: SettingNode) {
        guard let type = node.text.flatMap({ Self(name: $0) }), Self.trained.contains(type) else {
            return nil
        }
        self = type
    }
}
extension TeacherStateCoding: SettingValue {
    public static var settingDescription: String {
        "one of float16, float32, int8, or top-k:64 for 1 to \(mostOutcomes) tokens"
    }
}
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
        "uniform, first, last, alternate, influence, loss-drop or a list of whole numbers, such as [0, 2, 4]"
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
