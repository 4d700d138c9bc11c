import JSON
import Storage

extension ChatTemplates {
    /// Loads the templates of a model's directory, as transformers does.
    ///
    /// Files go before `tokenizer_config.json`: `chat_template.jinja` is the template `default`, and each
    /// `additional_chat_templates/NAME.jinja` one of that name. Only without any of them is `chat_template` in
    /// `tokenizer_config.json` read, which is a template or a list of names and templates.
    ///
    /// - Parameter directory: The model's directory.
    /// - Returns: The templates; none if the model has none.
    /// - Throws: ``ChatTemplateError`` for a template that cannot be read, or a `JSONError`.
    public static func load(directory: some FileLocation) throws -> ChatTemplates {
        let path = directory.entry("tokenizer_config.json")
        var config: JSONObject = [:]
        if path.fileExists {
            guard let object = try JSONValue.load(contentsOf: path, dialect: .python).objectValue else {
                throw ChatTemplateError.unreadable(
                    file: path, reason: "is not an object; give the model's own file")
            }
            config = object
        }
        var sources = try files(directory)
        if sources.isEmpty { sources = try configured(config["chat_template"], file: path) }
        return try ChatTemplates(sources, config)
    }

    /// Reads the templates that the contents of `tokenizer_config.json` hold.
    ///
    /// - Parameters:
    ///   - configuration: The contents.
    ///   - file: Where they come from, for messages.
    /// - Throws: ``ChatTemplateError`` for a template that cannot be read.
    package static func load(configuration: JSONObject, file: String) throws -> ChatTemplates {
        try ChatTemplates(configured(configuration["chat_template"], file: file), configuration)
    }

    private init(_ sources: [Source], _ config: JSONObject) throws {
        var templates: [String: ChatTemplate] = [:]
        for (name, source, file) in sources { templates[name] = try ChatTemplate(source: source, name: file) }
        self.init(templates: templates, specialTokens: Self.specialTokens(config))
    }

    /// The files of a model's directory that hold templates: `chat_template.jinja` and those in `additional_chat_templates`, by their
    /// paths within it.
    ///
    /// - Parameter directory: The model's directory.
    public static func fileNames(in directory: some FileLocation) -> [String] {
        let folder = "additional_chat_templates"
        let more = ((try? FileSystem.names(in: directory.entry(folder))) ?? []).sorted()
        return ["chat_template.jinja"] + more.filter { $0.hasSuffix(".jinja") }.map { "\(folder)/\($0)" }
    }

    private typealias Source = (name: String, text: String, file: String)

    private static func files(_ directory: some FileLocation) throws -> [Source] {
        var sources: [Source] = []
        let single = directory.entry("chat_template.jinja")
        if single.fileExists { sources.append(("default", try text(single), single)) }
        for name in fileNames(in: directory).dropFirst() {
            let file = directory.entry(name)
            sources.append((String(file.fileName.dropLast(".jinja".count)), try text(file), file))
        }
        return sources
    }

    private static func text(_ path: String) throws -> String {
        let mapped: MappedFile
        do {
            mapped = try MappedFile(path)
        } catch {
            throw ChatTemplateError.unreadable(file: path, reason: "cannot be read; check that it is a file")
        }
        guard mapped.count <= maximumBytes else {
            throw ChatTemplateError.unreadable(
                file: path, reason: "is larger than \(maximumBytes) bytes, so no template")
        }
        if GitLFSPointer.isPointer(mapped.bytes) {
            throw ChatTemplateError.unreadable(file: path, reason: GitLFSPointer.advice)
        }
        // Of editors that put a byte order mark there, which no prompt is to begin with.
        let start = ByteOrderMark.length(in: mapped.bytes)
        guard let text = String(validating: mapped.bytes.dropFirst(start), as: UTF8.self) else {
            throw ChatTemplateError.unreadable(file: path, reason: "is not UTF-8; save it as UTF-8")
        }
        return text
    }

    /// Far more than any template takes.
    private static let maximumBytes = 1 << 22

    /// The templates of `tokenizer_config.json`.
    private static func configured(_ value: JSONValue?, file: String) throws -> [Source] {
        switch value {
        case nil, .null?: return []
        case .string(let text)?: return [("default", text, file)]
        case .array(let items)?:
            return try items.map { item in
                guard let name = item.objectValue?["name"]?.stringValue,
                    let text = item.objectValue?["template"]?.stringValue
                else {
                    throw ChatTemplateError.unreadable(
                        file: file,
                        reason: "chat_template: an element lacks a 'name' or a 'template'; add them")
                }
                return (name, text, "\(file) (\(name))")
            }
        case .some(let value):
            throw ChatTemplateError.unreadable(
                file: file, reason: "chat_template is \(value.typeName); give a string or a list of templates"
            )
        }
    }

    private static let tokenNames = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]

    /// The special tokens that a tokenizer's configuration names.
    private static func specialTokens(_ config: JSONObject) -> JSONObject {
        var tokens: JSONObject = [:]
        for name in tokenNames {
            guard let text = config[name]?.stringValue ?? config[name]?.objectValue?["content"]?.stringValue
            else { continue }
            tokens[name] = .string(text)
        }
        // Names of a model's own, such as `image_token`.
        for (name, value) in config["extra_special_tokens"]?.objectValue ?? [:] {
            guard let text = value.stringValue ?? value.objectValue?["content"]?.stringValue else { continue }
            tokens[name] = .string(text)
        }
        return tokens
    }
}
