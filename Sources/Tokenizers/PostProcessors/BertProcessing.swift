/// BERT's template as older files write it: `{"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}`.
enum BertProcessing {
    static func template(_ configuration: StageConfiguration) throws -> TemplateProcessing {
        try TemplateProcessing(cls: id(of: "cls", configuration), sep: id(of: "sep", configuration))
    }

    static func id(of key: String, _ configuration: StageConfiguration) throws -> Int32 {
        let values = try configuration.array(key)
        guard values.count == 2, values[0].stringValue != nil, let id = values[1].intValue,
            let narrow = Int32(exactly: id), narrow >= 0
        else { throw configuration.malformed(key, "expected a token and its id, such as [\"[CLS]\", 101]") }
        return narrow
    }
}
