/** The models of the store, by store.yaml and schema.lock.json: written by `rehearsal store models`, and not changed by hand. */
import type { StoreDefinition, Typed } from "rehearsal/store";
import * as z from "zod";

export const AvatarDisplayMode = z.enum(["ALWAYS","GROUP_ONLY","NEVER"]);
export type AvatarDisplayMode = z.infer<typeof AvatarDisplayMode>;

export const ImageProvider = z.enum(["OPENAI","GROK","GOOGLE_IMAGEN"]);
export type ImageProvider = z.infer<typeof ImageProvider>;

export const ImageTagType = z.enum(["CHARACTER","PERSONA","CHAT","THEME"]);
export type ImageTagType = z.infer<typeof ImageTagType>;

export const Provider = z.enum(["OPENAI","ANTHROPIC","OLLAMA","OPENROUTER","OPENAI_COMPATIBLE","GROK","GAB_AI"]);
export type Provider = z.infer<typeof Provider>;

export const Role = z.enum(["SYSTEM","USER","ASSISTANT","TOOL"]);
export type Role = z.infer<typeof Role>;

/** public.accounts, by id. */
export const Account = z.strictObject({
  id: z.string(),
  userId: z.string(),
  type: z.string(),
  provider: z.string(),
  providerAccountId: z.string(),
  refresh_token: z.string().nullable(),
  access_token: z.string().nullable(),
  expires_at: z.int32().nullable(),
  token_type: z.string().nullable(),
  scope: z.string().nullable(),
  id_token: z.string().nullable(),
  session_state: z.string().nullable(),
});
export type Account = z.infer<typeof Account>;

/** public.api_keys, by id. */
export const ApiKey = z.strictObject({
  id: z.string(),
  userId: z.string(),
  provider: Provider,
  label: z.string(),
  /** Encrypted by the application. */
  keyEncrypted: z.string(),
  keyIv: z.string(),
  keyAuthTag: z.string(),
  isActive: z.boolean(),
  lastUsed: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** public.characters, by id. */
export const Character = z.strictObject({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  title: z.string().nullable(),
  description: z.string(),
  personality: z.string(),
  scenario: z.string(),
  firstMessage: z.string(),
  greetings: z.union([z.array(z.string().nullable()), z.string()]).nullable(),
  exampleDialogues: z.string().nullable(),
  systemPrompt: z.string().nullable(),
  sillyTavernData: z.json().nullable(),
  isFavorite: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
  defaultImageId: z.string().nullable(),
});
export type Character = z.infer<typeof Character>;

/** public.character_personas, by characterId, personaId. */
export const CharacterPersona = z.strictObject({
  characterId: z.string(),
  personaId: z.string(),
  isDefault: z.boolean(),
});
export type CharacterPersona = z.infer<typeof CharacterPersona>;

/** public.character_tags, by id. */
export const CharacterTag = z.strictObject({
  id: z.string(),
  characterId: z.string(),
  tagId: z.string(),
  createdAt: z.string(),
});
export type CharacterTag = z.infer<typeof CharacterTag>;

/** public.chats, by id. */
export const Chat = z.strictObject({
  id: z.string(),
  userId: z.string(),
  characterId: z.string(),
  personaId: z.string().nullable(),
  connectionProfileId: z.string(),
  title: z.string(),
  contextSummary: z.string().nullable(),
  sillyTavernMetadata: z.json().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Chat = z.infer<typeof Chat>;

/** public.chat_avatar_overrides, by id. */
export const ChatAvatarOverride = z.strictObject({
  id: z.string(),
  chatId: z.string(),
  characterId: z.string(),
  imageId: z.string(),
  createdAt: z.string(),
});
export type ChatAvatarOverride = z.infer<typeof ChatAvatarOverride>;

/** public.chat_files, by id. */
export const ChatFile = z.strictObject({
  id: z.string(),
  chatId: z.string(),
  messageId: z.string().nullable(),
  sha256: z.string(),
  filename: z.string(),
  mimeType: z.string(),
  size: z.int32(),
  data: z.base64(),
  createdAt: z.string(),
});
export type ChatFile = z.infer<typeof ChatFile>;

/** public.chat_settings, by id. */
export const ChatSettings = z.strictObject({
  id: z.string(),
  userId: z.string(),
  avatarDisplayMode: AvatarDisplayMode,
  messageFontScale: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])]),
  preferences: z.json(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type ChatSettings = z.infer<typeof ChatSettings>;

/** public.chat_tags, by id. */
export const ChatTag = z.strictObject({
  id: z.string(),
  chatId: z.string(),
  tagId: z.string(),
  createdAt: z.string(),
});
export type ChatTag = z.infer<typeof ChatTag>;

/** public.connection_profiles, by id. */
export const ConnectionProfile = z.strictObject({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  provider: Provider,
  apiKeyId: z.string().nullable(),
  baseUrl: z.string().nullable(),
  modelName: z.string(),
  parameters: z.json(),
  pricePerMillion: z.string().regex(/^(?:-?\d+(?:\.\d+)?|NaN|-?Infinity)$/).nullable(),
  tokensUsed: z.string().regex(/^-?\d{1,19}$/),
  isDefault: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type ConnectionProfile = z.infer<typeof ConnectionProfile>;

/** public.connection_profile_tags, by id. */
export const ConnectionProfileTag = z.strictObject({
  id: z.string(),
  connectionProfileId: z.string(),
  tagId: z.string(),
  createdAt: z.string(),
});
export type ConnectionProfileTag = z.infer<typeof ConnectionProfileTag>;

/** public.images, by id. */
export const Image = z.strictObject({
  id: z.string(),
  userId: z.string(),
  sha256: z.string(),
  filename: z.string(),
  mimeType: z.string(),
  size: z.int32(),
  width: z.int32().nullable(),
  height: z.int32().nullable(),
  source: z.string(),
  generationPrompt: z.string().nullable(),
  data: z.base64(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Image = z.infer<typeof Image>;

/** public.image_profiles, by id. */
export const ImageProfile = z.strictObject({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  provider: ImageProvider,
  apiKeyId: z.string().nullable(),
  baseUrl: z.string().nullable(),
  modelName: z.string(),
  parameters: z.json(),
  isDefault: z.boolean(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type ImageProfile = z.infer<typeof ImageProfile>;

/** public.image_profile_tags, by id. */
export const ImageProfileTag = z.strictObject({
  id: z.string(),
  imageProfileId: z.string(),
  tagId: z.string(),
  createdAt: z.string(),
});
export type ImageProfileTag = z.infer<typeof ImageProfileTag>;

/** public.image_tags, by id. */
export const ImageTag = z.strictObject({
  id: z.string(),
  imageId: z.string(),
  tagType: ImageTagType,
  tagId: z.string(),
  createdAt: z.string(),
});
export type ImageTag = z.infer<typeof ImageTag>;

/** public.messages, by id. */
export const Message = z.strictObject({
  id: z.string(),
  chatId: z.string(),
  role: Role,
  content: z.string(),
  rawResponse: z.json().nullable(),
  tokenCount: z.int32().nullable(),
  swipeGroupId: z.string().nullable(),
  swipeIndex: z.int32().nullable(),
  createdAt: z.string(),
});
export type Message = z.infer<typeof Message>;

/** public.personas, by id. */
export const Persona = z.strictObject({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  title: z.string().nullable(),
  description: z.string(),
  personalityTraits: z.string().nullable(),
  sillyTavernData: z.json().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
  defaultImageId: z.string().nullable(),
});
export type Persona = z.infer<typeof Persona>;

/** public.persona_tags, by id. */
export const PersonaTag = z.strictObject({
  id: z.string(),
  personaId: z.string(),
  tagId: z.string(),
  createdAt: z.string(),
});
export type PersonaTag = z.infer<typeof PersonaTag>;

/** public.sessions, by id. */
export const Session = z.strictObject({
  id: z.string(),
  sessionToken: z.string(),
  userId: z.string(),
  expires: z.string(),
});
export type Session = z.infer<typeof Session>;

/** public.tags, by id. */
export const Tag = z.strictObject({
  id: z.string(),
  userId: z.string(),
  name: z.string(),
  nameLower: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Tag = z.infer<typeof Tag>;

/** public.users, by id. */
export const User = z.strictObject({
  id: z.string(),
  username: z.string(),
  email: z.string().nullable(),
  name: z.string().nullable(),
  image: z.string().nullable(),
  emailVerified: z.string().nullable(),
  /** Encrypted by the application. */
  passwordHash: z.string().nullable(),
  /** Encrypted by the application. */
  totpSecret: z.string().nullable(),
  totpSecretIv: z.string().nullable(),
  totpSecretAuthTag: z.string().nullable(),
  totpEnabled: z.boolean(),
  totpVerifiedAt: z.string().nullable(),
  /** Encrypted by the application. */
  backupCodes: z.string().nullable(),
  backupCodesIv: z.string().nullable(),
  backupCodesAuthTag: z.string().nullable(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type User = z.infer<typeof User>;

/** public.verification_tokens, by identifier, token. */
export const VerificationToken = z.strictObject({
  identifier: z.string(),
  token: z.string(),
  expires: z.string(),
});
export type VerificationToken = z.infer<typeof VerificationToken>;

export type Models = {
  Account: Account;
  ApiKey: ApiKey;
  Character: Character;
  CharacterPersona: CharacterPersona;
  CharacterTag: CharacterTag;
  Chat: Chat;
  ChatAvatarOverride: ChatAvatarOverride;
  ChatFile: ChatFile;
  ChatSettings: ChatSettings;
  ChatTag: ChatTag;
  ConnectionProfile: ConnectionProfile;
  ConnectionProfileTag: ConnectionProfileTag;
  Image: Image;
  ImageProfile: ImageProfile;
  ImageProfileTag: ImageProfileTag;
  ImageTag: ImageTag;
  Message: Message;
  Persona: Persona;
  PersonaTag: PersonaTag;
  Session: Session;
  Tag: Tag;
  User: User;
  VerificationToken: VerificationToken;
};

export const models: StoreDefinition & Typed<Models> = {
  "format": "rehearsal-store-models/1",
  "schema": "38dd7e1c24c2c17028e214d0b2a71d637e4d057e0a2d7c09f6d81ec5f32bf4c0",
  "models": [
    {
      "name": "Account",
      "schema": "public",
      "table": "accounts",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "type",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "provider",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "providerAccountId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "refresh_token",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "access_token",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "expires_at",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": true
        },
        {
          "name": "token_type",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "scope",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "id_token",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "session_state",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        }
      ],
      "relations": [
        {
          "name": "accounts_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "accounts_provider_providerAccountId_key",
          "columns": [
            "provider",
            "providerAccountId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "accounts_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "auth/accounts.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ApiKey",
      "schema": "public",
      "table": "api_keys",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "provider",
          "type": "public.\"Provider\"",
          "of": {
            "kind": "enum",
            "labels": [
              "OPENAI",
              "ANTHROPIC",
              "OLLAMA",
              "OPENROUTER",
              "OPENAI_COMPATIBLE",
              "GROK",
              "GAB_AI"
            ]
          },
          "nullable": false
        },
        {
          "name": "label",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "keyEncrypted",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false,
          "encrypted": true
        },
        {
          "name": "keyIv",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "keyAuthTag",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "isActive",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": true
        },
        {
          "name": "lastUsed",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": true
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "api_keys_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "api_keys_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "settings/connection-profiles.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Character",
      "schema": "public",
      "table": "characters",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "title",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "description",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "personality",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "scenario",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "firstMessage",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "greetings",
          "type": "text[]",
          "of": {
            "kind": "text",
            "array": true
          },
          "nullable": true
        },
        {
          "name": "exampleDialogues",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "systemPrompt",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "sillyTavernData",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": true
        },
        {
          "name": "isFavorite",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "defaultImageId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        }
      ],
      "relations": [
        {
          "name": "characters_defaultImageId_fkey",
          "columns": [
            "defaultImageId"
          ],
          "references": "Image",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        },
        {
          "name": "characters_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "characters_defaultImageId_idx",
          "columns": [
            "defaultImageId"
          ]
        },
        {
          "name": "characters_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "characters/{id}.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "CharacterPersona",
      "schema": "public",
      "table": "character_personas",
      "key": [
        "characterId",
        "personaId"
      ],
      "columns": [
        {
          "name": "characterId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "personaId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "isDefault",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": false
        }
      ],
      "relations": [
        {
          "name": "character_personas_characterId_fkey",
          "columns": [
            "characterId"
          ],
          "references": "Character",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "character_personas_personaId_fkey",
          "columns": [
            "personaId"
          ],
          "references": "Persona",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "character_personas_personaId_idx",
          "columns": [
            "personaId"
          ]
        }
      ],
      "file": "characters/{characterId}.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "CharacterTag",
      "schema": "public",
      "table": "character_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "characterId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "character_tags_characterId_fkey",
          "columns": [
            "characterId"
          ],
          "references": "Character",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "character_tags_tagId_fkey",
          "columns": [
            "tagId"
          ],
          "references": "Tag",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "character_tags_characterId_tagId_key",
          "columns": [
            "characterId",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "character_tags_tagId_idx",
          "columns": [
            "tagId"
          ]
        }
      ],
      "file": "characters/{characterId}.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Chat",
      "schema": "public",
      "table": "chats",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "characterId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "personaId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "connectionProfileId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "title",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "contextSummary",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "sillyTavernMetadata",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": true
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "chats_characterId_fkey",
          "columns": [
            "characterId"
          ],
          "references": "Character",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "chats_connectionProfileId_fkey",
          "columns": [
            "connectionProfileId"
          ],
          "references": "ConnectionProfile",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "restrict",
          "onUpdate": "cascade"
        },
        {
          "name": "chats_personaId_fkey",
          "columns": [
            "personaId"
          ],
          "references": "Persona",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        },
        {
          "name": "chats_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "chats_characterId_idx",
          "columns": [
            "characterId"
          ]
        },
        {
          "name": "chats_connectionProfileId_idx",
          "columns": [
            "connectionProfileId"
          ]
        },
        {
          "name": "chats_personaId_idx",
          "columns": [
            "personaId"
          ]
        },
        {
          "name": "chats_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "chats/index.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ChatAvatarOverride",
      "schema": "public",
      "table": "chat_avatar_overrides",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "chatId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "characterId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "imageId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "chat_avatar_overrides_characterId_fkey",
          "columns": [
            "characterId"
          ],
          "references": "Character",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "chat_avatar_overrides_chatId_fkey",
          "columns": [
            "chatId"
          ],
          "references": "Chat",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "chat_avatar_overrides_imageId_fkey",
          "columns": [
            "imageId"
          ],
          "references": "Image",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "chat_avatar_overrides_chatId_characterId_key",
          "columns": [
            "chatId",
            "characterId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "chat_avatar_overrides_characterId_idx",
          "columns": [
            "characterId"
          ]
        },
        {
          "name": "chat_avatar_overrides_imageId_idx",
          "columns": [
            "imageId"
          ]
        }
      ],
      "file": "chats/index.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ChatFile",
      "schema": "public",
      "table": "chat_files",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "chatId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "messageId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "sha256",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "filename",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "mimeType",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "size",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": false
        },
        {
          "name": "data",
          "type": "bytea",
          "of": {
            "kind": "bytea"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "chat_files_chatId_fkey",
          "columns": [
            "chatId"
          ],
          "references": "Chat",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "chat_files_messageId_fkey",
          "columns": [
            "messageId"
          ],
          "references": "Message",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "chat_files_chatId_idx",
          "columns": [
            "chatId"
          ]
        },
        {
          "name": "chat_files_messageId_idx",
          "columns": [
            "messageId"
          ]
        }
      ],
      "file": "binaries/index.jsonl",
      "content": {
        "data": "binaries/{sha256}"
      },
      "notCarried": []
    },
    {
      "name": "ChatSettings",
      "schema": "public",
      "table": "chat_settings",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "avatarDisplayMode",
          "type": "public.\"AvatarDisplayMode\"",
          "of": {
            "kind": "enum",
            "labels": [
              "ALWAYS",
              "GROUP_ONLY",
              "NEVER"
            ]
          },
          "nullable": false,
          "default": "ALWAYS"
        },
        {
          "name": "messageFontScale",
          "type": "double precision",
          "of": {
            "kind": "float8"
          },
          "nullable": false
        },
        {
          "name": "preferences",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "chat_settings_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "chat_settings_userId_key",
          "columns": [
            "userId"
          ]
        }
      ],
      "indexes": [],
      "file": "settings/general.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ChatTag",
      "schema": "public",
      "table": "chat_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "chatId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "chat_tags_chatId_fkey",
          "columns": [
            "chatId"
          ],
          "references": "Chat",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "chat_tags_tagId_fkey",
          "columns": [
            "tagId"
          ],
          "references": "Tag",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "chat_tags_chatId_tagId_key",
          "columns": [
            "chatId",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "chat_tags_tagId_idx",
          "columns": [
            "tagId"
          ]
        }
      ],
      "file": "chats/index.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ConnectionProfile",
      "schema": "public",
      "table": "connection_profiles",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "provider",
          "type": "public.\"Provider\"",
          "of": {
            "kind": "enum",
            "labels": [
              "OPENAI",
              "ANTHROPIC",
              "OLLAMA",
              "OPENROUTER",
              "OPENAI_COMPATIBLE",
              "GROK",
              "GAB_AI"
            ]
          },
          "nullable": false
        },
        {
          "name": "apiKeyId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "baseUrl",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "modelName",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "parameters",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": false
        },
        {
          "name": "pricePerMillion",
          "type": "numeric(12,6)",
          "of": {
            "kind": "numeric",
            "precision": 12,
            "scale": 6
          },
          "nullable": true
        },
        {
          "name": "tokensUsed",
          "type": "bigint",
          "of": {
            "kind": "int8"
          },
          "nullable": false,
          "default": "0"
        },
        {
          "name": "isDefault",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "connection_profiles_apiKeyId_fkey",
          "columns": [
            "apiKeyId"
          ],
          "references": "ApiKey",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        },
        {
          "name": "connection_profiles_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "connection_profiles_apiKeyId_idx",
          "columns": [
            "apiKeyId"
          ]
        },
        {
          "name": "connection_profiles_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "settings/connection-profiles.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ConnectionProfileTag",
      "schema": "public",
      "table": "connection_profile_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "connectionProfileId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "connection_profile_tags_connectionProfileId_fkey",
          "columns": [
            "connectionProfileId"
          ],
          "references": "ConnectionProfile",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "connection_profile_tags_tagId_fkey",
          "columns": [
            "tagId"
          ],
          "references": "Tag",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "connection_profile_tags_connectionProfileId_tagId_key",
          "columns": [
            "connectionProfileId",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "connection_profile_tags_tagId_idx",
          "columns": [
            "tagId"
          ]
        }
      ],
      "file": "settings/connection-profiles.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Image",
      "schema": "public",
      "table": "images",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "sha256",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "filename",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "mimeType",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "size",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": false
        },
        {
          "name": "width",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": true
        },
        {
          "name": "height",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": true
        },
        {
          "name": "source",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false,
          "default": "upload"
        },
        {
          "name": "generationPrompt",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "data",
          "type": "bytea",
          "of": {
            "kind": "bytea"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "images_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "images_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "binaries/index.jsonl",
      "content": {
        "data": "binaries/{sha256}"
      },
      "notCarried": []
    },
    {
      "name": "ImageProfile",
      "schema": "public",
      "table": "image_profiles",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "provider",
          "type": "public.\"ImageProvider\"",
          "of": {
            "kind": "enum",
            "labels": [
              "OPENAI",
              "GROK",
              "GOOGLE_IMAGEN"
            ]
          },
          "nullable": false
        },
        {
          "name": "apiKeyId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "baseUrl",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "modelName",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "parameters",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": false
        },
        {
          "name": "isDefault",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "image_profiles_apiKeyId_fkey",
          "columns": [
            "apiKeyId"
          ],
          "references": "ApiKey",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        },
        {
          "name": "image_profiles_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "image_profiles_userId_name_key",
          "columns": [
            "userId",
            "name"
          ]
        }
      ],
      "indexes": [
        {
          "name": "image_profiles_apiKeyId_idx",
          "columns": [
            "apiKeyId"
          ]
        }
      ],
      "file": "image-profiles/image-profiles.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ImageProfileTag",
      "schema": "public",
      "table": "image_profile_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "imageProfileId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "image_profile_tags_imageProfileId_fkey",
          "columns": [
            "imageProfileId"
          ],
          "references": "ImageProfile",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "image_profile_tags_tagId_fkey",
          "columns": [
            "tagId"
          ],
          "references": "Tag",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "image_profile_tags_imageProfileId_tagId_key",
          "columns": [
            "imageProfileId",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "image_profile_tags_tagId_idx",
          "columns": [
            "tagId"
          ]
        }
      ],
      "file": "image-profiles/image-profiles.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "ImageTag",
      "schema": "public",
      "table": "image_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "imageId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagType",
          "type": "public.\"ImageTagType\"",
          "of": {
            "kind": "enum",
            "labels": [
              "CHARACTER",
              "PERSONA",
              "CHAT",
              "THEME"
            ]
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "image_tags_imageId_fkey",
          "columns": [
            "imageId"
          ],
          "references": "Image",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "image_tags_imageId_tagType_tagId_key",
          "columns": [
            "imageId",
            "tagType",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "image_tags_tagType_tagId_idx",
          "columns": [
            "tagType",
            "tagId"
          ]
        }
      ],
      "file": "binaries/index.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Message",
      "schema": "public",
      "table": "messages",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "chatId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "role",
          "type": "public.\"Role\"",
          "of": {
            "kind": "enum",
            "labels": [
              "SYSTEM",
              "USER",
              "ASSISTANT",
              "TOOL"
            ]
          },
          "nullable": false
        },
        {
          "name": "content",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "rawResponse",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": true
        },
        {
          "name": "tokenCount",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": true
        },
        {
          "name": "swipeGroupId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "swipeIndex",
          "type": "integer",
          "of": {
            "kind": "int4"
          },
          "nullable": true
        },
        {
          "name": "createdAt",
          "type": "timestamp(6) with time zone",
          "of": {
            "kind": "timestamptz",
            "digits": 6
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "messages_chatId_fkey",
          "columns": [
            "chatId"
          ],
          "references": "Chat",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "messages_chatId_createdAt_idx",
          "columns": [
            "chatId",
            "createdAt"
          ]
        },
        {
          "name": "messages_swipeGroupId_idx",
          "columns": [
            "swipeGroupId"
          ]
        }
      ],
      "file": "chats/{chatId}.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Persona",
      "schema": "public",
      "table": "personas",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "title",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "description",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "personalityTraits",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "sillyTavernData",
          "type": "jsonb",
          "of": {
            "kind": "jsonb"
          },
          "nullable": true
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "defaultImageId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        }
      ],
      "relations": [
        {
          "name": "personas_defaultImageId_fkey",
          "columns": [
            "defaultImageId"
          ],
          "references": "Image",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "set null",
          "onUpdate": "cascade"
        },
        {
          "name": "personas_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [],
      "indexes": [
        {
          "name": "personas_defaultImageId_idx",
          "columns": [
            "defaultImageId"
          ]
        },
        {
          "name": "personas_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "personas/{id}.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "PersonaTag",
      "schema": "public",
      "table": "persona_tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "personaId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "tagId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "persona_tags_personaId_fkey",
          "columns": [
            "personaId"
          ],
          "references": "Persona",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        },
        {
          "name": "persona_tags_tagId_fkey",
          "columns": [
            "tagId"
          ],
          "references": "Tag",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "persona_tags_personaId_tagId_key",
          "columns": [
            "personaId",
            "tagId"
          ]
        }
      ],
      "indexes": [
        {
          "name": "persona_tags_tagId_idx",
          "columns": [
            "tagId"
          ]
        }
      ],
      "file": "personas/{personaId}.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Session",
      "schema": "public",
      "table": "sessions",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "sessionToken",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "expires",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "sessions_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "sessions_sessionToken_key",
          "columns": [
            "sessionToken"
          ]
        }
      ],
      "indexes": [
        {
          "name": "sessions_userId_idx",
          "columns": [
            "userId"
          ]
        }
      ],
      "file": "auth/sessions.jsonl",
      "content": {},
      "notCarried": []
    },
    {
      "name": "Tag",
      "schema": "public",
      "table": "tags",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "userId",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "nameLower",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [
        {
          "name": "tags_userId_fkey",
          "columns": [
            "userId"
          ],
          "references": "User",
          "referencedColumns": [
            "id"
          ],
          "onDelete": "cascade",
          "onUpdate": "cascade"
        }
      ],
      "unique": [
        {
          "name": "tags_userId_nameLower_key",
          "columns": [
            "userId",
            "nameLower"
          ]
        }
      ],
      "indexes": [],
      "file": "tags/tags.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "User",
      "schema": "public",
      "table": "users",
      "key": [
        "id"
      ],
      "columns": [
        {
          "name": "id",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "username",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "email",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "name",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "image",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "emailVerified",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": true
        },
        {
          "name": "passwordHash",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true,
          "encrypted": true
        },
        {
          "name": "totpSecret",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true,
          "encrypted": true
        },
        {
          "name": "totpSecretIv",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "totpSecretAuthTag",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "totpEnabled",
          "type": "boolean",
          "of": {
            "kind": "bool"
          },
          "nullable": false,
          "default": false
        },
        {
          "name": "totpVerifiedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": true
        },
        {
          "name": "backupCodes",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true,
          "encrypted": true
        },
        {
          "name": "backupCodesIv",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "backupCodesAuthTag",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": true
        },
        {
          "name": "createdAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        },
        {
          "name": "updatedAt",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [],
      "unique": [
        {
          "name": "users_email_key",
          "columns": [
            "email"
          ]
        },
        {
          "name": "users_username_key",
          "columns": [
            "username"
          ]
        }
      ],
      "indexes": [],
      "file": "settings/general.json",
      "content": {},
      "notCarried": []
    },
    {
      "name": "VerificationToken",
      "schema": "public",
      "table": "verification_tokens",
      "key": [
        "identifier",
        "token"
      ],
      "columns": [
        {
          "name": "identifier",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "token",
          "type": "text",
          "of": {
            "kind": "text"
          },
          "nullable": false
        },
        {
          "name": "expires",
          "type": "timestamp(3) without time zone",
          "of": {
            "kind": "timestamp",
            "digits": 3
          },
          "nullable": false
        }
      ],
      "relations": [],
      "unique": [
        {
          "name": "verification_tokens_token_key",
          "columns": [
            "token"
          ]
        }
      ],
      "indexes": [],
      "file": "auth/verification-tokens.jsonl",
      "content": {},
      "notCarried": []
    }
  ]
};
