-- Images and attached files with their bytes, what an image shows, and how images are made.

-- CreateEnum
CREATE TYPE "ImageProvider" AS ENUM ('OPENAI', 'GROK', 'GOOGLE_IMAGEN');

-- CreateEnum
CREATE TYPE "ImageTagType" AS ENUM ('CHARACTER', 'PERSONA', 'CHAT', 'THEME');

-- CreateTable
CREATE TABLE "images" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "filename" TEXT NOT NULL,
    "mimeType" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "width" INTEGER,
    "height" INTEGER,
    "source" TEXT NOT NULL DEFAULT 'upload',
    "generationPrompt" TEXT,
    "data" BYTEA NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "images_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "image_tags" (
    "id" TEXT NOT NULL,
    "imageId" TEXT NOT NULL,
    "tagType" "ImageTagType" NOT NULL,
    "tagId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "image_tags_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chat_avatar_overrides" (
    "id" TEXT NOT NULL,
    "chatId" TEXT NOT NULL,
    "characterId" TEXT NOT NULL,
    "imageId" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "chat_avatar_overrides_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "chat_files" (
    "id" TEXT NOT NULL,
    "chatId" TEXT NOT NULL,
    "messageId" TEXT,
    "sha256" TEXT NOT NULL,
    "filename" TEXT NOT NULL,
    "mimeType" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "chat_files_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "image_profiles" (
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "provider" "ImageProvider" NOT NULL,
    "apiKeyId" TEXT,
    "baseUrl" TEXT,
    "modelName" TEXT NOT NULL,
    "parameters" JSONB NOT NULL DEFAULT '{}',
    "isDefault" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "image_profiles_pkey" PRIMARY KEY ("id")
);

-- AlterTable
ALTER TABLE "characters" ADD COLUMN "defaultImageId" TEXT;

-- AlterTable
ALTER TABLE "personas" ADD COLUMN "defaultImageId" TEXT;

-- CreateIndex
CREATE INDEX "images_userId_idx" ON "images"("userId");

-- CreateIndex
CREATE INDEX "image_tags_tagType_tagId_idx" ON "image_tags"("tagType", "tagId");

-- CreateIndex
CREATE UNIQUE INDEX "image_tags_imageId_tagType_tagId_key" ON "image_tags"("imageId", "tagType", "tagId");

-- CreateIndex
CREATE INDEX "chat_avatar_overrides_characterId_idx" ON "chat_avatar_overrides"("characterId");

-- CreateIndex
CREATE INDEX "chat_avatar_overrides_imageId_idx" ON "chat_avatar_overrides"("imageId");

-- CreateIndex
CREATE UNIQUE INDEX "chat_avatar_overrides_chatId_characterId_key" ON "chat_avatar_overrides"("chatId", "characterId");

-- CreateIndex
CREATE INDEX "chat_files_chatId_idx" ON "chat_files"("chatId");

-- CreateIndex
CREATE INDEX "chat_files_messageId_idx" ON "chat_files"("messageId");

-- CreateIndex
CREATE INDEX "image_profiles_apiKeyId_idx" ON "image_profiles"("apiKeyId");

-- CreateIndex
CREATE UNIQUE INDEX "image_profiles_userId_name_key" ON "image_profiles"("userId", "name");

-- CreateIndex
CREATE INDEX "characters_defaultImageId_idx" ON "characters"("defaultImageId");

-- CreateIndex
CREATE INDEX "personas_defaultImageId_idx" ON "personas"("defaultImageId");

-- AddForeignKey
ALTER TABLE "images" ADD CONSTRAINT "images_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "image_tags" ADD CONSTRAINT "image_tags_imageId_fkey" FOREIGN KEY ("imageId") REFERENCES "images"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_avatar_overrides" ADD CONSTRAINT "chat_avatar_overrides_chatId_fkey" FOREIGN KEY ("chatId") REFERENCES "chats"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_avatar_overrides" ADD CONSTRAINT "chat_avatar_overrides_characterId_fkey" FOREIGN KEY ("characterId") REFERENCES "characters"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_avatar_overrides" ADD CONSTRAINT "chat_avatar_overrides_imageId_fkey" FOREIGN KEY ("imageId") REFERENCES "images"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_files" ADD CONSTRAINT "chat_files_chatId_fkey" FOREIGN KEY ("chatId") REFERENCES "chats"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "chat_files" ADD CONSTRAINT "chat_files_messageId_fkey" FOREIGN KEY ("messageId") REFERENCES "messages"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "image_profiles" ADD CONSTRAINT "image_profiles_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "image_profiles" ADD CONSTRAINT "image_profiles_apiKeyId_fkey" FOREIGN KEY ("apiKeyId") REFERENCES "api_keys"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "characters" ADD CONSTRAINT "characters_defaultImageId_fkey" FOREIGN KEY ("defaultImageId") REFERENCES "images"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "personas" ADD CONSTRAINT "personas_defaultImageId_fkey" FOREIGN KEY ("defaultImageId") REFERENCES "images"("id") ON DELETE SET NULL ON UPDATE CASCADE;
