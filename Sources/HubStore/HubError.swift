/// A reason why something could not be obtained from the Hub. Each case includes the remedy.
public enum HubError: Error, Sendable, Equatable {
    /// The id, revision or file name cannot be one.
    case invalidName(String, reason: String)
    /// A string is neither a directory that exists nor an id.
    case neitherPathNorRepository(String)
    /// 404 or 401: the Hub does not distinguish a missing repository from a private one.
    case repositoryNotFound(id: String, hasToken: Bool)
    /// The repository's owner asks for conditions to be accepted, on the page with this address.
    case gated(id: String, page: String)
    /// There is no such branch, tag or commit.
    case revisionNotFound(id: String, revision: String)
    /// The revision has no file of that name.
    case fileNotFound(id: String, revision: String, file: String)
    /// The token was refused.
    case unauthorized(url: String)
    /// No network is allowed, and the cache does not have it.
    case offline(id: String, revision: String)
    /// The cache holds part of a snapshot, and the rest cannot be fetched.
    case incomplete(id: String, revision: String, missing: [String])
    /// There was no response, or it was cut off, at every attempt.
    case unreachable(url: String, reason: String)
    /// The server responded with an HTTP status other than success.
    case status(url: String, code: Int)
    /// The server's response is invalid.
    case badAnswer(url: String, reason: String)
    /// One redirect led to another, ten times.
    case tooManyRedirects(url: String)
    /// The disk has no room for the download; sizes in bytes.
    case diskSpace(directory: String, needed: Int, free: Int)
    /// More or fewer bytes arrived than were announced.
    case wrongSize(url: String, expected: Int, actual: Int)
    /// The downloaded bytes differ from those on the Hub: SHA-256, or git's SHA-1 of a small file.
    case wrongDigest(url: String, expected: String, actual: String)
    /// Only pickled weights are there, which could run code when read.
    case pickle(id: String, files: [String])
    /// Nothing in the repository fits.
    case nothingSelected(id: String, wanted: String)
    /// The cache cannot be written or read.
    case cache(path: String, reason: String)
    /// A text that begins with `hf://` names no data on the Hub.
    case badReference(String, reason: String)
    /// The files of a repository or directory do not say which of them are meant.
    case data(source: String, reason: String)
    /// An environment variable names a proxy that cannot be used.
    case proxy(variable: String, reason: String)
}

extension HubError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidName(let name, let reason): "\(Self.quoted(name)): \(reason)"
        case .neitherPathNorRepository(let text):
            "\(Self.quoted(text)): there is no such directory, and it is no repository's id (org/name or "
                + "org/name@revision) either; check the path or the id"
        case .repositoryNotFound(let id, let hasToken):
            "\(id): no such repository, or it is private; check the id"
                + (hasToken
                    ? ", and that the token may read it" : ", or set HF_TOKEN to a token that may read it")
        case .gated(let id, let page):
            "\(id): access is gated; visit \(page), accept the conditions, and set HF_TOKEN to your token"
        case .revisionNotFound(let id, let revision):
            "\(id): no revision \(Self.quoted(revision)); give a branch, a tag or a commit"
        case .fileNotFound(let id, let revision, let file):
            "\(id): no file \(Self.quoted(file)) at revision \(Self.quoted(revision)); check the name"
        case .unauthorized(let url): "\(url): the token was refused; check HF_TOKEN or the token file"
        case .offline(let id, let revision):
            "\(id)@\(revision): not in the cache, and offline mode is on; unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE to "
                + "download it"
        case .incomplete(let id, let revision, let missing):
            "\(id)@\(revision): the cache lacks \(missing.joined(separator: ", ")); run again with a network to fetch the rest"
        case .unreachable(let url, let reason):
            "\(url): cannot be reached: \(reason); check the network and HF_ENDPOINT, and try again"
        case .status(let url, let code): "\(url): the server responded with status \(code); try again later"
        case .badAnswer(let url, let reason):
            "\(url): \(reason); check that HF_ENDPOINT is a Hugging Face Hub"
        case .tooManyRedirects(let url): "\(url): redirected too often; check HF_ENDPOINT"
        case .diskSpace(let directory, let needed, let free):
            "\(directory): \(needed) bytes are needed and \(free) are free; make room, or set HF_HUB_CACHE to another disk"
        case .wrongSize(let url, let expected, let actual):
            "\(url): \(expected) bytes were announced and \(actual) arrived; the partial file was deleted: try again"
        case .wrongDigest(let url, let expected, let actual):
            "\(url): the digest should be \(expected) and is \(actual); the file was deleted: try again"
        case .pickle(let id, let files):
            "\(id): \(files.joined(separator: ", ")): pickled weights can run code and are not read; choose a revision with "
                + "safetensors (the Hub's convert-to-safetensors Space makes one), or save the model again in Python "
                + "with safe_serialization=True"
        case .nothingSelected(let id, let wanted): "\(id): has no \(wanted); check the id and the patterns"
        case .cache(let path, let reason): "\(path): \(reason); check HF_HUB_CACHE and its permissions"
        case .badReference(let text, let reason): "\(Self.quoted(text)): \(reason)"
        case .data(let source, let reason): "\(Self.safe(source)): \(reason)"
        case .proxy(let variable, let reason):
            "\(variable): \(reason); give http://host:port or socks5://host:port, or unset it"
        }
    }

    /// Text from elsewhere, so that it cannot write to a terminal.
    package static func quoted(_ text: String) -> String { "'\(safe(text))'" }

    /// The same without quotes.
    package static func safe(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(200).map { $0.value < 32 || $0.value == 127 ? "?" : $0 }))
    }
}
