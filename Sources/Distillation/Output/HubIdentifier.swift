import Foundation

/// Names of repositories on the Hugging Face Hub.
enum HubIdentifier {
    /// Returns true if a text is one: a name, or an owner and a name, by `huggingface_hub`'s `validate_repo_id`.
    static func isValid(_ text: String) -> Bool {
        text.wholeMatch(of: /([A-Za-z0-9_][A-Za-z0-9._-]*\/)?[A-Za-z0-9_][A-Za-z0-9._-]*/) != nil
            && text.utf8.count <= 96 && !text.contains("--") && !text.contains("..")
            && !text.hasSuffix(".git")
            && !text.hasSuffix("-") && !text.hasSuffix(".")
    }

    /// The name by which others find a model: that on the Hub where it is in its cache, else its absolute path.
    static func name(of directory: URL) -> String {
        ofCached(directory) ?? directory.standardizedFileURL.path(percentEncoded: false)
    }

    /// The identifier of a model in the Hub's cache: `…/models--owner--name/snapshots/…`.
    static func ofCached(_ directory: URL) -> String? {
        let folder = directory.standardizedFileURL.pathComponents.last { $0.hasPrefix("models--") }
        let name = folder?.dropFirst("models--".count).replacing("--", with: "/")
        return name.flatMap { isValid(String($0)) ? String($0) : nil }
    }
}
