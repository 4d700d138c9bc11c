import JSON

/// A token that is found in the text before anything else happens to it, such as `[MASK]`.
struct AddedToken: Sendable, Equatable {
    /// The text that is searched for.
    var content: String
    /// True if the token matches only where no letter or digit touches it.
    var singleWord = false
    /// True if the match includes the white space before the token.
    var lstrip = false
    /// True if the match includes the white space after the token.
    var rstrip = false
    /// True if the token, normalized, is searched for in the normalized text.
    var normalized: Bool
    /// True for one of the model's special tokens.
    var special: Bool

    /// A special token with the usual properties.
    init(special content: String) {
        self.content = content
        normalized = false
        special = true
    }

    /// Reads a token's properties.
    ///
    /// - Parameter special: true if the token is special, whatever its properties say.
    init(_ configuration: StageConfiguration, special: Bool? = nil) throws {
        content = try configuration.string("content")
        singleWord = try configuration.optionalBool("single_word") ?? false
        lstrip = try configuration.optionalBool("lstrip") ?? false
        rstrip = try configuration.optionalBool("rstrip") ?? false
        self.special = try special ?? configuration.optionalBool("special") ?? false
        normalized = try configuration.optionalBool("normalized") ?? !self.special
    }

    static func == (left: AddedToken, right: AddedToken) -> Bool {
        left.content.utf8.elementsEqual(right.content.utf8) && left.singleWord == right.singleWord
            && left.lstrip == right.lstrip && left.rstrip == right.rstrip
            && left.normalized == right.normalized && left.special == right.special
    }
}
