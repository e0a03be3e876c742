/** The models that the tests of the JSON store keep: of each kind of file, with relations of every kind between them. */
import type { ColumnType } from "../../../core/store/column-type.ts";
import type {
  ReferentialAction,
  StoreColumn,
  StoreDefinition,
  StoreModel,
  StoreRelation,
} from "../../../core/store/definition.ts";

export const TEXT: ColumnType = { kind: "text" };
const INT: ColumnType = { kind: "int4" };

export const DEFINITION: StoreDefinition = {
  format: "rehearsal-store-models/1",
  schema: "0".repeat(64),
  models: [
    model("Chat", {
      file: "chats/index.jsonl",
      columns: [column("id", TEXT), column("user_id", TEXT), column("title", TEXT, true)],
      relations: [relation("chat_user", ["user_id"], "User", ["id"], "cascade", "cascade")],
      indexes: [{ name: "chat_by_user", columns: ["user_id"] }],
    }),
    model("ChatTag", {
      key: ["chat_id", "tag"],
      file: "tags/{chat_id}.json",
      columns: [column("chat_id", TEXT), column("tag", TEXT), column("note", TEXT, true)],
      relations: [
        relation("chat_tag_chat", ["chat_id"], "Chat", ["id"], "cascade"),
        relation("chat_tag_tag", ["tag"], "Tag", ["name"], "restrict", "cascade"),
      ],
    }),
    model("Image", {
      key: ["number"],
      file: "binaries/index.jsonl",
      columns: [
        column("number", INT),
        column("chat_id", TEXT, true),
        column("data", { kind: "bytea" }),
        column("about", { kind: "jsonb" }, true),
      ],
      relations: [relation("image_chat", ["chat_id"], "Chat", ["id"], "no action")],
      content: { data: "binaries/{sha256}" },
    }),
    model("Log", {
      key: ["number"],
      file: "log.jsonl",
      columns: [column("number", INT), column("what", TEXT)],
    }),
    model("Message", {
      file: "chats/{chat_id}.jsonl",
      columns: [
        column("id", TEXT),
        column("chat_id", TEXT),
        column("position", INT),
        column("reply_to", TEXT, true),
        column("body", TEXT),
      ],
      relations: [
        relation("message_chat", ["chat_id"], "Chat", ["id"], "cascade"),
        relation("message_reply", ["reply_to"], "Message", ["id"], "set null"),
      ],
      unique: [{ name: "message_position", columns: ["chat_id", "position"] }],
    }),
    model("Tag", {
      file: "tags/all.json",
      columns: [column("id", TEXT), column("name", TEXT)],
      unique: [{ name: "tag_name", columns: ["name"] }],
    }),
    model("User", {
      file: "settings/general.json",
      columns: [column("id", TEXT), column("email", TEXT, true), column("name", TEXT)],
      unique: [{ name: "user_email", columns: ["email"] }],
    }),
  ],
};

function model(name: string, given: Partial<StoreModel>): StoreModel {
  return {
    ...{
      name,
      schema: "public",
      table: name.toLowerCase(),
      key: ["id"],
      columns: [],
      relations: [],
      unique: [],
    },
    ...{ indexes: [], file: "", content: {}, notCarried: [] },
    ...given,
  };
}

function column(name: string, of: ColumnType, nullable = false): StoreColumn {
  return { name, type: of.kind, of, nullable };
}

function relation(
  name: string,
  columns: string[],
  references: string,
  referencedColumns: string[],
  onDelete: ReferentialAction,
  onUpdate: ReferentialAction = "no action",
): StoreRelation {
  return { name, columns, references, referencedColumns, onDelete, onUpdate };
}
