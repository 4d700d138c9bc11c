/// The tokens that all prompts of a run begin with, such as a system message, computed once.
struct SharedBeginning<Model: NextTokenModel> {
    let tokens: ArraySlice<Int32>
    let cache: Model.Cache

    /// Computes it; `nil` where there is one prompt, or too little that they have in common.
    init?(_ prompts: [[Int32]], _ model: Model) throws {
        guard prompts.count > 1, let first = prompts.first else { return nil }
        // A prompt's last token is computed with it: its logits are wanted.
        var count = first.count - 1
        for prompt in prompts {
            count = min(count, zip(first, prompt.dropLast()).prefix { $0 == $1 }.count)
        }
        // A pass of its own costs as much as some tokens more beside others.
        guard count >= 32 else { return nil }
        (tokens, cache) = (first[..<count], try model.makeCache())
        _ = try model.logits(Array(tokens), offsets: [0, count], caches: [cache])
    }
}
