import ChatTemplates
import Foundation
import GGUF
import JSON

extension FuzzSubject {
    /// The files of language models.
    static let languageModels: [FuzzSubject] = [
        FuzzSubject("gguf", file: "model.gguf") { _, file in
            let checkpoint = try GGUFCheckpoint(file: file)
            for info in checkpoint.tensors where info.elementCount < 1 << 16 {
                var values = [Float](repeating: 0, count: info.elementCount)
                try? values.withUnsafeMutableBufferPointer { try checkpoint.decode(info.name, into: $0) }
            }
            _ = try? GGUFTokenizer(checkpoint)
            for tensor in try GGUFModel(checkpoint).tensors where tensor.elementCount < 1 << 16 {
                require(try tensor.floats().count == tensor.elementCount, "a tensor of another size")
            }
        },
        FuzzSubject("chat-template") { bytes in
            let template = try ChatTemplate(source: String(decoding: bytes, as: UTF8.self))
            let limits = ChatTemplateLimits(steps: 20_000, textBytes: 1 << 16)
            for chat in chats {
                let text = try template.render(
                    messages: chat, addGenerationPrompt: true, variables: variables, limits: limits
                ).text
                require(text.utf8.count <= limits.textBytes, "a text of \(text.utf8.count) bytes")
                _ = try template.turnSpans(messages: chat, variables: variables, limits: limits)
            }
        },
    ]

    private static func message(_ role: String, _ content: String) -> JSONValue {
        var message = JSONObject()
        message["role"] = .string(role)
        message["content"] = .string(content)
        return .object(message)
    }

    private static let chats: [[JSONValue]] = [
        [message("user", "Hi "), message("assistant", "你好 \u{301}<s>")],
        [
            message("system", "a"), message("user", ""), message("assistant", "b"),
            message("user", "c\n\u{0}"),
        ],
    ]

    private static let variables: JSONObject = {
        var variables = JSONObject()
        variables["bos_token"] = .string("<s>")
        variables["eos_token"] = .string("</s>")
        return variables
    }()
}
