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

    /// The identifier of a model in the Hub's cache: `…/models--owner--name/snapshots/…`.
    static func ofCached(_ directory: URL) -> String? {
        let folder = directory.standardizedFileURL.pathComponents.last { $0.hasPrefix("models--") }
        let name = folder?.dropFirst("models--".count).replacing("--", with: "/")
        return name.flatMap { isValid(String($0)) ? String($0) : nil }
    }
}
