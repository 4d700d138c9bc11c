import Files
import Foundation
import Yams

/// What a model card says that no run can know.
public struct ModelCardOptions: Sendable, Equatable, Codable {
    /// The licence's identifier on the Hub, such as `apache-2.0`; `nil` takes over that of the source model's card.
    public var license: String?
    /// Languages as ISO 639 codes.
    public var languages: [String]
    /// The training data's identifiers on the Hub, never paths.
    public var datasets: [String]
    /// The identifier on the Hub of the model this one was made from; `nil` takes it from the source model's path in the
    /// Hub's cache, or from its card.
    public var baseModel: String?

    public init(
        license: String? = nil, languages: [String] = [], datasets: [String] = [], baseModel: String? = nil
    ) {
        self.license = license
        self.languages = languages
        self.datasets = datasets
        self.baseModel = baseModel
    }

    /// - Throws: ``DistillationError`` for what the Hub would not take.
    func validate() throws {
        if let license, license.wholeMatch(of: /[a-z0-9][a-z0-9.-]*/) == nil {
            throw DistillationError(
                "license: '\(license)' is no identifier of a licence; give one of the Hub's, such as apache-2.0, mit or "
                    + "other")
        }
        for language in languages
        where language.wholeMatch(of: /[a-z]{2,3}(-[A-Za-z0-9]+)*|multilingual|code/) == nil {
            throw DistillationError(
                "language: '\(language)' is no ISO 639 code; give one such as en, de or multilingual")
        }
        for (name, value) in datasets.map({ ("datasets", $0) })
            + [baseModel].compactMap(\.self).map({ ("base_model", $0) })
        where !HubIdentifier.isValid(value) {
            throw DistillationError(
                "\(name): '\(value)' is no identifier on the Hub; give one such as google-bert/bert-base-uncased, not a "
                    + "path")
        }
    }
}

/// Names of repositories on the Hugging Face Hub.
enum HubIdentifier {
    /// Whether a text is one: a name, or an owner and a name, by `huggingface_hub`'s `validate_repo_id`.
    static func isValid(_ text: String) -> Bool {
        text.wholeMatch(of: /([A-Za-z0-9_][A-Za-z0-9._-]*\/)?[A-Za-z0-9_][A-Za-z0-9._-]*/) != nil
            && text.utf8.count <= 96 && !text.contains("--") && !text.contains("..")
            && !text.hasSuffix(".git")
            && !text.hasSuffix("-") && !text.hasSuffix(".")
    }

    /// The identifier of a model in the Hub's cache: `…/models--owner--name/snapshots/…`.
    static func ofCached(_ directory: URL) -> String? {
        let folder = directory.standardizedFileURL.pathComponents.last { $0.hasPrefix("models--") }
        let name = folder?.dropFirst("models--".count).replacing("--", with: "/")
        return name.flatMap { isValid(String($0)) ? String($0) : nil }
    }
}

/// What the card of a source model passes on.
struct SourceCard: Sendable, Equatable {
    var license: String?
    /// Of a licence of one's own, where `license` is `other`.
    var licenseName: String?
    var licenseLink: String?
    var baseModels: [String] = []

    init() {}

    /// Reads the metadata of a directory's README.md. It is somebody else's file: what cannot be read says nothing.
    init(directory: URL) {
        let file = directory.appending(path: "README.md")
        guard let bytes = try? MappedFile(file), bytes.count < 8_000_000,
            let text = String(validating: bytes.bytes, as: UTF8.self), let block = Self.metadata(text),
            let node = try? SettingsYAML.compose(block)
        else { return }
        func value(_ name: String) -> String? { node[name]?.scalar?.string }
        license = value("license").flatMap { $0.wholeMatch(of: /[a-z0-9][a-z0-9.-]*/) == nil ? nil : $0 }
        if license == "other" {
            licenseName = value("license_name")
            licenseLink = value("license_link")
        }
        let bases =
            node["base_model"]?.sequence?.compactMap { $0.scalar?.string }
            ?? [value("base_model")].compactMap(\.self)
        baseModels = bases.filter(HubIdentifier.isValid)
    }

    /// The YAML between the first two lines of three hyphens.
    private static func metadata(_ text: String) -> String? {
        // Past a byte order mark.
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        let lines = text.replacing("\r\n", with: "\n").split(
            separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else { return nil }
        return lines[1..<end].joined(separator: "\n")
    }
}
