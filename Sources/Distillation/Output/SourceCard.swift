import Files
import Foundation
import Yams

/// The facts that the card of a source model passes on.
struct SourceCard: Sendable, Equatable {
    var license: String?
    /// The name of a custom license, where `license` is `other`.
    var licenseName: String?
    var licenseLink: String?
    var baseModels: [String] = []

    init() {}

    /// Reads the metadata of a directory's README.md. Others wrote the file: parts that cannot be read are ignored.
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
